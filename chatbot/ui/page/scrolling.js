// Keeping the end of a conversation in view, or a message that was searched for.
let isPinned = true; // whether the end of the conversation is kept in view
let lastTop = 0;
let target = null; // a message that is held in view while those after it are being drawn

function keepInView(pane) {
  if (target) target.scrollIntoView({ block: "start" });
  // What holds no question is read from its beginning.
  else if (isPinned && shown.question) pane.scrollTop = pane.scrollHeight;
  lastTop = pane.scrollTop;
}

// Streamlit's own way of scrolling along fights a reader who scrolls up while an answer comes.
function watch(pane) {
  if (pane.dataset.isWatched) return;
  pane.dataset.isWatched = "yes";
  pane.addEventListener(
    "scroll",
    () => {
      const left = pane.scrollHeight - pane.scrollTop - pane.clientHeight;
      // We only ever scroll down, so up was the reader, however little; or the end has moved up.
      if (target) isPinned = false;
      else if (pane.scrollTop < lastTop) isPinned = left < 2;
      else if (pane.scrollTop > lastTop && left < 40) isPinned = true;
      lastTop = pane.scrollTop;
    },
    { passive: true },
  );
  const observer = new ResizeObserver(() => keepInView(pane));
  observer.observe(pane);
  for (const child of pane.children) observer.observe(child);
}

// A message that was searched for, once it has been drawn.
function showTarget(id, tries = 60) {
  const key = id.slice(0, 12); // as short() in look.py
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
    const tint = "rgb(16 163 127 / 0.3)";
    message.animate([{ backgroundColor: tint }, { backgroundColor: tint }, {}], 2500);
  } else if (tries > 0) setTimeout(() => showTarget(id, tries - 1), 50);
}
