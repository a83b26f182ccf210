// Keys of the sidebar's search field: the arrow keys move into the rows below it, Enter opens the first
// result, and Escape empties the field, or leaves it when it is empty.
const SEARCH = ".st-key-search input";
const ROWS = '.st-key-conversations :is(a.list-title, [class*="st-key-found-"] button)';

function watchSearch() {
  addEventListener("keydown", moveInRows);
}

function moveInRows(event) {
  if (!["ArrowDown", "ArrowUp"].includes(event.key) || event.isComposing) return;
  const places = [...document.querySelectorAll(`${SEARCH}, ${ROWS}`)];
  const place = places.indexOf(event.target);
  const next = place >= 0 && places[place + (event.key === "ArrowDown" ? 1 : -1)];
  if (!next) return;
  event.preventDefault();
  next.focus();
}

// Waits for the results of what was typed.
function openFirstResult(field, typed = field.value, tries = 100) {
  if (!typed.trim() || field.value !== typed || document.activeElement !== field) return;
  const marks = [...document.querySelectorAll("[data-query]")];
  const results = marks.find(({ dataset }) => dataset.query === typed.trim());
  const first = results
    ?.closest(".st-key-conversations")
    .querySelector('[class*="st-key-found-"] button');
  if (first) first.click();
  else if (tries > 0) setTimeout(() => openFirstResult(field, typed, tries - 1), 50);
}

function leaveSearch(field) {
  if (field.value) fillIn(field, "");
  else if (isSidebarOverPage()) closeSidebarOnPhone(0);
  else focusComposer();
}
