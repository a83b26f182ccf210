// Keeps the end of the conversation in view while it grows, unless the reader has scrolled up.
// Streamlit's own way fights a reader who scrolls while an answer comes.
let open = null; // the conversation on screen
let isPinned = true;
let lastTop = 0;

function follow(pane) {
  if (isPinned) pane.scrollTop = pane.scrollHeight;
  lastTop = pane.scrollTop;
}

function watch(pane) {
  if (pane.dataset.followsConversation) return;
  pane.dataset.followsConversation = "yes";
  pane.addEventListener(
    "scroll",
    () => {
      const isAtEnd = pane.scrollHeight - pane.scrollTop - pane.clientHeight < 40;
      // We only ever scroll down, so up was the reader.
      if (pane.scrollTop < lastTop) isPinned = isAtEnd;
      else if (isAtEnd) isPinned = true;
      lastTop = pane.scrollTop;
    },
    { passive: true },
  );
  const observer = new ResizeObserver(() => follow(pane));
  observer.observe(pane);
  for (const child of pane.children) observer.observe(child);
}

export default function ({ data }) {
  const pane = document.querySelector('[data-testid="stMain"]');
  if (!pane) return;
  watch(pane);
  if (data.conversation !== open) {
    open = data.conversation;
    isPinned = true;
    follow(pane);
  }
}
