// Keeps the end of a conversation in view, or a message that the visitor searched for.
let isPinned = true; // the end of the conversation is kept in view
let lastTop = 0;
let newest = ""; // name of the button that leads back to the newest message
const FAR = 200; // pixels
const NEWEST_ICON =
  '<svg viewBox="0 0 24 24" aria-hidden="true"><path d="M12 5v14M6 13l6 6 6-6"/></svg>';
let target = null; // message kept in view while the messages after it are being drawn

function keepInView(pane) {
  if (target) target.scrollIntoView({ block: "start" });
  // A page without a question is read from its beginning.
  else if (isPinned && shown.question) pane.scrollTop = pane.scrollHeight;
  lastTop = pane.scrollTop;
  offerNewest(pane);
}

// Shows the button that leads back to the newest message, while that is far below.
function offerNewest(pane) {
  const left = pane.scrollHeight - pane.scrollTop - pane.clientHeight;
  const isFar = left > FAR && Boolean(shown.question);
  let button = document.getElementById("chatbot-newest");
  if (!button && isFar) {
    button = document.createElement("button");
    button.id = "chatbot-newest";
    button.type = "button";
    button.innerHTML = NEWEST_ICON;
    button.onclick = () => {
      [target, isPinned] = [null, true];
      focusComposer(); // the button goes away
      keepInView(pane);
    };
    document.querySelector(".st-key-composer")?.append(button);
  }
  if (!button) return;
  button.ariaLabel = newest;
  button.hidden = !isFar;
}

// Replaces Streamlit's own scrolling, which fights a visitor who scrolls up during an answer.
function watch(pane) {
  if (pane.dataset.isWatched) return;
  pane.dataset.isWatched = "yes";
  pane.addEventListener(
    "scroll",
    () => {
      const left = pane.scrollHeight - pane.scrollTop - pane.clientHeight;
      // This script only scrolls down, so the visitor scrolled up, or the page became shorter.
      if (target) isPinned = false;
      else if (pane.scrollTop < lastTop) isPinned = left < 2;
      else if (pane.scrollTop > lastTop && left < 40) isPinned = true;
      lastTop = pane.scrollTop;
      offerNewest(pane);
    },
    { passive: true },
  );
  const observer = new ResizeObserver(() => keepInView(pane));
  observer.observe(pane);
  for (const child of pane.children) observer.observe(child);
}

// Scrolls to a message that the visitor searched for, once the page has drawn it.
function showTarget(id, tries = 60) {
  const key = id.slice(0, 12); // as short() in widgets.py
  const part = document.querySelector(`.st-key-actions-${key}, .st-key-icon-edit-${key}`);
  const message = part?.closest('[data-testid="stChatMessage"]');
  if (message) {
    message.style.scrollMarginTop = "4rem";
    message.scrollIntoView({ block: "start" });
    target = message;
    const release = () => {
      if (target === message) target = null;
    };
    for (const name of ["wheel", "touchmove", "keydown", "pointerdown"])
      addEventListener(name, release, { once: true, passive: true });
    setTimeout(release, 2000);
    const tint = "rgb(53 199 154 / 0.3)";
    message.animate([{ backgroundColor: tint }, { backgroundColor: tint }, {}], 2500);
  } else if (tries > 0) setTimeout(() => showTarget(id, tries - 1), 50);
}
