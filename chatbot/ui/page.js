// What a chat page does by itself, and Streamlit does not.
let shown = {}; // the conversation and its last question, as of the last run
let isPinned = true; // whether the end of the conversation is kept in view
let lastTop = 0;

function toEnd(pane) {
  if (isPinned) pane.scrollTop = pane.scrollHeight;
  lastTop = pane.scrollTop;
}

// Streamlit's own way of scrolling along fights a reader who scrolls up while an answer comes.
function watch(pane) {
  if (pane.dataset.isWatched) return;
  pane.dataset.isWatched = "yes";
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
  const observer = new ResizeObserver(() => toEnd(pane));
  observer.observe(pane);
  for (const child of pane.children) observer.observe(child);
}

function closeSidebarOnPhone() {
  if (innerWidth > 640) return;
  const sidebar = document.querySelector('[data-testid="stSidebar"][data-collapsed="false"]');
  sidebar?.querySelector('[data-testid="stSidebarCollapseButton"] button')?.click();
}

function focusComposer(tries = 20) {
  // On a touch screen this would open the keyboard over what there is to read.
  if (!matchMedia("(hover: hover) and (pointer: fine)").matches) return;
  const composer = document.querySelector('[data-testid="stChatInputTextArea"]');
  if (composer) composer.focus({ preventScroll: true });
  else if (tries > 0) setTimeout(() => focusComposer(tries - 1), 50);
}

function setIcon(href) {
  let link = document.querySelector('link[rel~="icon"]');
  if (!link) {
    link = document.createElement("link");
    link.rel = "icon";
    document.head.append(link);
  }
  if (link.href !== href) link.href = href;
}

// Dark is the look to begin with: on the first visit it is chosen in the menu, as a person would.
function beginDark() {
  try {
    if (localStorage.getItem("chatbot-look")) return;
    localStorage.setItem("chatbot-look", "begun");
  } catch {
    return; // Storage is forbidden here: the browser's own preference it is.
  }
  if (matchMedia("(prefers-color-scheme: dark)").matches) return;
  const menu = document.querySelector('[data-testid="stMainMenu"] button');
  menu?.click();
  const item = () => {
    const buttons = [...document.querySelectorAll("button")];
    return buttons.find((button) => button.textContent.startsWith("dark_mode"));
  };
  const choose = (tries) => {
    const dark = item();
    dark?.click();
    if (dark) menu.click();
    if (dark) settle(60);
    else if (tries > 0) requestAnimationFrame(() => choose(tries - 1));
  };
  // A menu that closes gives the focus back to its button, some time after it has gone.
  const settle = (tries) => {
    if (item() && tries > 0) requestAnimationFrame(() => settle(tries - 1));
    else setTimeout(focusComposer, 200);
  };
  if (menu) choose(60);
}

export default function ({ data }) {
  document.documentElement.lang = data.language === "zh" ? "zh-CN" : "en";
  setIcon(data.icon);
  beginDark();
  const pane = document.querySelector('[data-testid="stMain"]');
  if (!pane) return;
  watch(pane);
  const isOther = data.conversation !== shown.conversation;
  if (isOther || data.question !== shown.question) {
    isPinned = true;
    toEnd(pane);
    focusComposer();
  }
  if (isOther && "conversation" in shown) closeSidebarOnPhone();
  shown = data;
}
