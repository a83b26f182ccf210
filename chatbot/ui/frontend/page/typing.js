// Handles Enter in the page's fields before Streamlit does, and the shortcut for search.
const isMac = /^(Mac|iP)/.test(navigator.platform);
const COMPOSER = '[data-testid="stChatInputTextArea"]';

// A phone's keyboard has no Shift+Enter: there Enter starts a new line, and the button sends.
const finePointer = matchMedia("(any-pointer: fine)");
const coarsePointer = matchMedia("(any-pointer: coarse)");
const isTouchOnly = () => coarsePointer.matches && !finePointer.matches;

function watchEnter() {
  addEventListener("keydown", onKeyDown, { capture: true });
  for (const pointer of [finePointer, coarsePointer])
    pointer.addEventListener("change", () => nameEnterKey(document.querySelector(COMPOSER)));
}

// Sets the label of the Enter key on a phone's keyboard.
function nameEnterKey(composer) {
  composer?.setAttribute("enterkeyhint", isTouchOnly() ? "enter" : "send");
}

function onKeyDown(event) {
  const isWithCommand = isMac ? event.metaKey && !event.ctrlKey : event.ctrlKey && !event.metaKey;
  if (isWithCommand && !event.altKey && !event.shiftKey && event.key === "k") {
    if (event.isComposing) return;
    event.preventDefault();
    openField("search");
  }
  const isEnter = event.key === "Enter" || [10, 13].includes(event.keyCode);
  if (!isEnter || !event.target.matches?.("input, textarea")) return;
  // With an input method, Enter accepts a word. In Safari this Enter comes after the composition has
  // ended, and only its key code differs: https://bugs.webkit.org/show_bug.cgi?id=165004
  if (event.isComposing || event.keyCode === 229) event.stopImmediatePropagation();
  else if (event.target.matches(COMPOSER)) onEnterInComposer(event);
  else if (event.target.matches(SEARCH)) openFirstResult(event.target);
}

function onEnterInComposer(event) {
  const form = event.target.closest('[data-testid="stChatInput"]');
  const isSending = event.ctrlKey || event.metaKey || !(event.shiftKey || isTouchOnly());
  // While an answer runs, Stop is in the place of Send: the text waits for the answer's end.
  if (isSending && document.querySelector(STOP)) {
    event.preventDefault();
    event.stopImmediatePropagation();
    return;
  }
  if (event.ctrlKey || event.metaKey) {
    event.preventDefault();
    event.stopImmediatePropagation();
    if (!event.repeat) form?.querySelector(SUBMIT)?.click(); // the click is noted by noteSent()
  } else if (isTouchOnly()) event.stopImmediatePropagation();
  else if (!event.shiftKey) noteSent(event.target);
}
