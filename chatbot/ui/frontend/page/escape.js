// Escape closes the innermost open thing: a menu or dialog (Streamlit does this itself), then it
// leaves the search field, cancels an edit, closes the sidebar on a phone, or stops the answer.
// Streamlit retains a Stop of an earlier run, which look.css hides.
const STOP = ".st-key-stop:not([data-retained]) button";
const OPEN = '[role="menu"], [role="dialog"], [role="listbox"], [role="tooltip"]';
const CANCEL = '[data-testid="stForm"] [class*="st-key-cancel-"] button';
const RENAMING = ".list-row input"; // list.js cancels this by itself

function watchEscape() {
  // Before Streamlit sees the key: afterwards it could not be told that a menu was open.
  addEventListener("keydown", onEscape, true);
}

function onEscape(event) {
  if (event.key !== "Escape" || event.isComposing || event.keyCode === 229) return;
  if (document.querySelector(OPEN) || event.target.matches?.(RENAMING)) return;
  if (event.target.matches?.(SEARCH)) return leaveSearch(event.target);
  const cancel = document.querySelector(CANCEL);
  const stop = document.querySelector(STOP);
  if (cancel) cancel.click();
  else if (isSidebarOverPage()) closeSidebarOnPhone(0);
  else stop?.click();
}

function isSidebarOverPage() {
  const sidebar = document.querySelector('[data-testid="stSidebar"]');
  return innerWidth < 768 && sidebar?.dataset.collapsed === "false";
}
