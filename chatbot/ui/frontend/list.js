// Draws the list of conversations: rows under their headings, each with a menu. This script is sent
// once; list_data.js brings the data of each run.
const ICONS = {
  rename: "edit",
  pin: "keep",
  unpin: "keep_off",
  share: "ios_share",
  clear: "delete_sweep",
  delete: "delete",
};

let place; // the element of the page that holds the list
let wanted; // what to draw: the data of the last run
let drawn = ""; // what is drawn, as JSON
let choices = []; // the last choices, numbered by their time
let choose; // tells the server what was chosen

// Streamlit drops a choice if the next one follows before the server takes it, as at a click on another
// row that ends the editing of a title. So each choice is sent again with those that follow soon.
const REPEATED_MILLISECONDS = 3000;

export default function () {
  addEventListener("chatbot-list", show);
  if (window.chatbotList) show();
}

function show() {
  const { data: [data], parentElement, setTriggerValue } = window.chatbotList;
  if (place !== parentElement) drawn = "";
  [place, wanted] = [parentElement, data];
  choose = (action, id, title) => {
    const now = Date.now();
    choices = choices.filter(({ number }) => number > Math.max(wanted.done, now - REPEATED_MILLISECONDS));
    const last = choices.at(-1)?.number ?? wanted.done;
    choices.push({ number: Math.max(now, last + 1), action, id, title });
    setTriggerValue("chosen", choices);
  };
  draw();
}

function make(tag, properties, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

function icon(name) {
  const element = make("span", { className: "list-icon", textContent: name, translate: false });
  element.setAttribute("aria-hidden", "true");
  return element;
}

// Waits while a menu is open or a title is edited, which drawing would end.
function draw() {
  const json = JSON.stringify(wanted);
  if (json === drawn || place.querySelector("input, :popover-open")) return;
  drawn = json;
  const focused = place.contains(document.activeElement) && document.activeElement;
  const [id, kind] = [focused?.closest?.("li")?.dataset.id, focused?.className];
  place.replaceChildren(
    make(
      "div",
      { className: "list" },
      ...wanted.groups.flatMap(([heading, rows]) => [
        heading && make("h2", { textContent: heading }),
        make("ul", {}, ...rows.map(row)),
      ]),
    ),
  );
  if (id) place.querySelector(`[data-id="${id}"] .${kind}`)?.focus();
}

function row([id, title, isPinned]) {
  const link = make("a", { className: "list-title", href: addressOf(id), textContent: title });
  link.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return; // the browser opens a new tab
    event.preventDefault();
    choose("open", id);
  });
  const more = make("button", { className: "list-more", type: "button" }, icon("more_horiz"));
  more.ariaLabel = `${wanted.menu}: ${title}`;
  more.ariaHasPopup = "menu";
  const item = make("li", { className: "list-row" }, link, more);
  item.dataset.id = id;
  if (id === wanted.open) link.ariaCurrent = "page";
  const actions = ["rename", isPinned ? "unpin" : "pin", "share", "delete"];
  if (id === wanted.open) actions.splice(3, 0, "clear");
  more.addEventListener("click", () => {
    if (!more.popoverTargetElement) openMenu(item, more, actions);
  });
  return item;
}

function addressOf(id) {
  const address = new URL(location.href);
  for (const name of ["view", "share"]) address.searchParams.delete(name);
  address.searchParams.set("c", id);
  return address.href;
}

// Makes the menu of a row. The browser opens it after this click, and closes it on Escape, on a
// second click and on a click elsewhere.
function openMenu(item, more, actions) {
  const menu = make("div", { className: "list-menu", popover: "auto", role: "menu" });
  menu.ariaLabel = more.ariaLabel;
  for (const action of actions) {
    const entry = make("button", { type: "button", role: "menuitem" }, icon(ICONS[action]));
    entry.append(wanted.actions[action]);
    entry.dataset.action = action;
    entry.addEventListener("click", () => {
      menu.hidePopover();
      if (action === "rename") rename(item);
      else choose(action, item.dataset.id);
    });
    menu.append(entry);
  }
  menu.firstChild.autofocus = true;
  menu.addEventListener("keydown", (event) => moveInMenu(event, menu));
  menu.addEventListener("toggle", ({ newState }) => {
    if (newState === "open") return;
    menu.remove();
    more.popoverTargetElement = null;
    draw();
  });
  const { left, top, bottom } = more.getBoundingClientRect();
  if (top < innerHeight / 2) menu.style.top = `${bottom}px`;
  else menu.style.bottom = `${innerHeight - top}px`;
  menu.style.setProperty("--left", `${left}px`);
  item.append(menu);
  more.popoverTargetElement = menu;
}

function moveInMenu(event, menu) {
  const entries = [...menu.children];
  const next = {
    ArrowDown: (entries.indexOf(document.activeElement) + 1) % entries.length,
    ArrowUp: entries.indexOf(document.activeElement) - 1,
    Home: 0,
    End: -1,
  }[event.key];
  if (event.key === "Tab") menu.hidePopover();
  else if (next === undefined) return;
  else entries.at(next).focus();
  event.preventDefault();
}

// Puts a field in the place of a row's title. Enter or a click elsewhere saves, Escape does not.
function rename(item) {
  const link = item.firstChild;
  const field = make("input", { className: "list-title", value: link.textContent });
  field.ariaLabel = wanted.title;
  field.dir = "auto";
  let isOver = false;
  const end = (isSaved, isFocused) => {
    if (isOver) return; // taking the field away blurs it
    isOver = true;
    field.replaceWith(link);
    const title = field.value.trim();
    if (isSaved && title && title !== link.textContent) {
      link.textContent = title;
      choose("rename", item.dataset.id, title);
    }
    if (isFocused) link.focus();
    draw();
  };
  field.addEventListener("blur", () => end(true, false));
  field.addEventListener("keydown", (event) => {
    if (event.isComposing || !["Enter", "Escape"].includes(event.key)) return;
    event.preventDefault();
    end(event.key === "Enter", true);
  });
  link.replaceWith(field);
  field.focus();
  field.select();
}
