// Moves the focus to a sensible element when the element that had it goes away, as Stop, Regenerate
// and Delete do. The browser would leave it on the page's body, at the beginning of the page.
let focused = null; // the element to which the visitor moved the focus last
let focusedKey = ""; // the key of its widget
let substitute = null; // the element that this script focused instead, while a better one may come
let searching = null;

function watchFocus() {
  addEventListener("focusin", ({ target }) => {
    if (target === document.body || target === substitute) return;
    focused = target;
    focusedKey = target.closest('[class*="st-key-"]')?.className ?? "";
  });
  addEventListener("click", beginSearch, true);
  addEventListener("input", endSearch, true);
}

function beginSearch() {
  substitute = null;
  findFocus();
}

function endSearch() {
  clearTimeout(searching);
  substitute = null;
}

// Looks for some seconds whether the focused element goes away.
function findFocus(tries = 50) {
  clearTimeout(searching);
  if (tries <= 0) return endSearch();
  searching = setTimeout(() => findFocus(tries - 1), 100);
  const active = document.activeElement;
  const isLost = active === document.body && focused?.isConnected === false;
  if (isLost || (substitute && active === substitute)) moveFocus(isLost);
}

function moveFocus(isLost) {
  const id = focusedKey.match(/st-key-(?:cancel|edited|keep)-([0-9a-f]+)/)?.[1];
  // The buttons that ask whether to delete, or Undo after a row of the list was deleted; else the
  // button that had opened what was cancelled.
  const next = document.querySelector(
    '[class*="st-key-sure-"] button' +
      (focused?.closest(".list-row") ? ", .st-key-undo_delete_in_list button" : "") +
      (id ? `, .st-key-icon-edit-${id} button, .st-key-icon-more-${id} button` : ""),
  );
  if (next) {
    endSearch();
    next.focus();
  } else if (isLost) {
    substitute = isTouch() ? lastText() : (document.querySelector(COMPOSER) ?? lastText());
    substitute?.focus({ preventScroll: true });
  }
}

// On a touch screen, focusing the composer would open the keyboard over the messages.
const isTouch = () => !matchMedia("(hover: hover) and (pointer: fine)").matches;

// The last message, or the title of a view.
function lastText() {
  const texts = document.querySelectorAll(
    '[data-testid="stMain"] :is(h1, [data-testid="stChatMessage"])',
  );
  const last = texts[texts.length - 1];
  last?.setAttribute("tabindex", "-1");
  return last;
}
