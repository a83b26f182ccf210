// What a chat page does by itself, and Streamlit does not.
let shown = {}; // the conversation and its last question, as of the last run
let isPinned = true; // whether the end of the conversation is kept in view
let lastTop = 0;
let target = null; // a message that is held in view while those after it are being drawn
let isSent = false; // whether a question was sent since the last run
let atClick = null; // what stood in the composer at the last click that may lead elsewhere

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
      const isAtEnd = pane.scrollHeight - pane.scrollTop - pane.clientHeight < 40;
      // We only ever scroll down, so up was the reader.
      if (target) isPinned = false;
      else if (pane.scrollTop < lastTop) isPinned = isAtEnd;
      else if (isAtEnd) isPinned = true;
      lastTop = pane.scrollTop;
    },
    { passive: true },
  );
  const observer = new ResizeObserver(() => keepInView(pane));
  observer.observe(pane);
  for (const child of pane.children) observer.observe(child);
}

const RELOADS = 3; // at most, one after the other
const WELL_MILLISECONDS = 60_000; // a page that lasts so long is well

// A new page has what was kept, and what is being typed in the composer.
function reload() {
  try {
    const reloads = Number(sessionStorage.getItem("chatbot-reloads") ?? 0);
    if (reloads >= RELOADS) return false;
    sessionStorage.setItem("chatbot-reloads", reloads + 1);
  } catch {
    return false; // Storage is forbidden here: it might never end.
  }
  location.reload();
  return true;
}

function forgetReloads() {
  try {
    sessionStorage.removeItem("chatbot-reloads");
  } catch {
    // As above.
  }
}

// While the server is out of reach, one sentence instead of Streamlit's dialog over everything.
// After a message that it cannot read Streamlit gives up for good, and a new page is needed.
function watchConnection(sentence) {
  let note = document.getElementById("chatbot-lost");
  if (!note) {
    note = document.createElement("div");
    note.id = "chatbot-lost";
    note.role = "status";
    document.body.append(note);
    const app = document.querySelector('[data-testid="stApp"]');
    const look = () => {
      const connection = app.dataset.testConnectionState;
      const isComing = connection === "DISCONNECTED_FOREVER" && reload();
      const isLost = isComing || connection === "PINGING_SERVER";
      note.textContent = isLost ? note.dataset.sentence : "";
    };
    const state = { attributeFilter: ["data-test-connection-state"] };
    if (app) new MutationObserver(look).observe(app, state);
    setTimeout(forgetReloads, WELL_MILLISECONDS);
  }
  note.dataset.sentence = sentence;
}

function closeSidebarOnPhone() {
  if (innerWidth > 640) return;
  const sidebar = document.querySelector('[data-testid="stSidebar"][data-collapsed="false"]');
  sidebar?.querySelector('[data-testid="stSidebarCollapseButton"] button')?.click();
}

function withComposer(act, tries = 200) {
  const composer = document.querySelector('[data-testid="stChatInputTextArea"]');
  if (composer) act(composer);
  else if (tries > 0) setTimeout(() => withComposer(act, tries - 1), 50);
}

// Opens the sidebar at one of its controls.
function openControl(name, tries = 20) {
  document.querySelector('[data-testid="stExpandSidebarButton"]')?.click();
  const boxes = `[class*="st-key-${name}-"], [class*="st-key-early_${name}-"]`;
  const field = document.querySelector(`:is(${boxes}) :is(input, [role="slider"])`);
  if (field?.getBoundingClientRect().left >= 0) {
    field.scrollIntoView({ block: "center" });
    field.focus();
  } else if (tries > 0) setTimeout(() => openControl(name, tries - 1), 50);
}

function focusComposer() {
  // On a touch screen this would open the keyboard over what there is to read.
  if (!matchMedia("(hover: hover) and (pointer: fine)").matches) return;
  withComposer((composer) => composer.focus({ preventScroll: true }));
}

const draftName = () => `chatbot-draft-${shown.conversation ?? "new"}`;

// What is being typed stays with its conversation, and is there again after a reload.
function keepDraft(text) {
  try {
    if (text) sessionStorage.setItem(draftName(), text);
    else sessionStorage.removeItem(draftName());
  } catch {
    // Storage is forbidden or full here: the draft lives as long as the page.
  }
}

function forgetDraft() {
  try {
    sessionStorage.removeItem(draftName());
  } catch {
    // As above.
  }
}

function bringDraft(composer, typedMeanwhile) {
  let draft = "";
  try {
    draft = sessionStorage.getItem(draftName()) ?? "";
  } catch {
    return;
  }
  draft += typedMeanwhile;
  if (composer.value === draft) return;
  const valueOf = Object.getOwnPropertyDescriptor(HTMLTextAreaElement.prototype, "value");
  valueOf.set.call(composer, draft);
  composer.dispatchEvent(new Event("input", { bubbles: true })); // as if it had been typed
}

function watchComposer(composer) {
  if (composer.dataset.isWatched) return;
  composer.dataset.isWatched = "yes";
  composer.addEventListener("input", () => keepDraft(composer.value));
  composer.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey && composer.value.trim()) isSent = true;
  });
  const form = composer.closest('[data-testid="stChatInput"]');
  form?.addEventListener("click", (event) => {
    if (event.target.closest('[data-testid="stChatInputSubmitButton"]')) isSent = true;
  });
}

// On a poor network a person types on between a click and the page that it leads to.
function watchClicks() {
  const note = (event) => {
    if (event.target.closest('[data-testid="stChatInput"]')) return;
    atClick = document.querySelector('[data-testid="stChatInputTextArea"]')?.value ?? "";
    if (event.target.closest(".st-key-new")) focusComposer(); // to type before its page is there
  };
  addEventListener("click", note, { capture: true });
  addEventListener("popstate", () => (atClick = null)); // a way back that no click began
}

// What was typed after the last click belongs to where that leads; the rest stays where it was.
function partDraft() {
  const before = atClick;
  atClick = null;
  const typed = document.querySelector('[data-testid="stChatInputTextArea"]')?.value ?? "";
  if (before === null || typed === before || !typed.startsWith(before)) return "";
  keepDraft(before);
  return typed.slice(before.length);
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

function focusTitle(tries = 20) {
  const field = document.querySelector('[data-testid="stSidebar"] [data-testid="stForm"] input');
  // The title is filled in some time after the field is there, which would end the selection.
  if (field && (field.value || tries === 0)) {
    field.focus();
    field.select();
  } else if (tries > 0) setTimeout(() => focusTitle(tries - 1), 50);
}

function focusEdited(tries = 40) {
  const field = document.querySelector('[class*="st-key-edited-"] textarea');
  if (field) {
    isPinned = false;
    field.focus({ preventScroll: true });
    field.setSelectionRange(field.value.length, field.value.length);
    field.scrollIntoView({ block: "center" });
  } else if (tries > 0) setTimeout(() => focusEdited(tries - 1), 50);
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
  const leave = () => {
    menu.blur(); // where the composer is not focused, its ring would stay
    focusComposer();
  };
  const settle = (tries) => {
    if (item() && tries > 0) requestAnimationFrame(() => settle(tries - 1));
    else setTimeout(leave, 200);
  };
  if (menu) choose(60);
}

// Marks in code that keep Streamlit from changing it (chatbot/dialect.py) are not copied.
const MARK = "\u2060\u2060";

function copyWithoutMarks() {
  if (window.isCopyingWithoutMarks) return;
  window.isCopyingWithoutMarks = true;
  document.addEventListener("copy", (event) => {
    const text = String(getSelection());
    if (!text.includes(MARK)) return;
    event.clipboardData.setData("text/plain", text.replaceAll(MARK, ""));
    event.preventDefault();
  });
  const clipboard = navigator.clipboard;
  const write = clipboard?.writeText;
  if (write) clipboard.writeText = (text) => write.call(clipboard, text.replaceAll(MARK, ""));
}

// Copy buttons, also those that were there before this script.
const COPY_ICON =
  '<svg viewBox="0 0 24 24" aria-hidden="true"><path d="M8 7V4.5A1.5 1.5 0 0 1 9.500 3h9A1.500 1.500 0 0 1 20 4.500v10a1.500 1.500 0 0 1-1.500 1.500H16M5.500 8h9A1.500 1.500 0 0 1 16 9.500v10a1.500 1.500 0 0 1-1.500 1.500h-9A1.500 1.500 0 0 1 4 19.500v-10A1.500 1.500 0 0 1 5.500 8Z"/></svg>';

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Pages served without TLS have no clipboard; the old way still works there.
    const area = document.createElement("textarea");
    area.value = text;
    area.style.position = "fixed";
    area.style.opacity = "0";
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
}

const COPIED_MILLISECONDS = 2000;
let copied = { text: null, until: 0 };

function showCopyButton(place, data) {
  let button = place.querySelector("button");
  if (!button) {
    button = document.createElement("button");
    button.type = "button";
    button.innerHTML = COPY_ICON + '<span aria-live="polite"></span>';
    place.append(button);
  }
  const said = button.querySelector("span");
  // The page may be drawn anew in the moment after a click: its new button says it, too.
  const show = () => {
    const left = copied.text === data.text ? copied.until - Date.now() : 0;
    button.ariaLabel = left > 0 ? data.done : data.label;
    said.textContent = left > 0 ? data.done : "";
    if (left > 0) setTimeout(show, left + 1);
  };
  show();
  button.onclick = async () => {
    await copy(data.text);
    copied = { text: data.text, until: Date.now() + COPIED_MILLISECONDS };
    show();
  };
}

function tendCopyButtons() {
  const waiting = window.chatbotCopyButtons;
  window.chatbotCopyButtons = { push: (one) => showCopyButton(...one) };
  if (Array.isArray(waiting)) for (const one of waiting) showCopyButton(...one);
}

let isListening = false;

export default function ({ data }) {
  document.documentElement.lang = data.language === "zh" ? "zh-CN" : "en";
  setIcon(data.icon);
  watchConnection(data.lost);
  copyWithoutMarks();
  tendCopyButtons();
  beginDark();
  if (isListening) return;
  isListening = true;
  watchClicks();
  addEventListener("chatbot-place", () => showPlace(window.chatbotPlace));
  if (window.chatbotPlace) showPlace(window.chatbotPlace);
}

// What one person was typing here is not for the next one who signs in.
function keepApart(who) {
  try {
    const before = sessionStorage.getItem("chatbot-who");
    if (before && before !== who)
      for (const name of Object.keys(sessionStorage))
        if (/^chatbot-(draft|address)/.test(name)) sessionStorage.removeItem(name);
    sessionStorage.setItem("chatbot-who", who);
  } catch {
    // Storage is forbidden here, and holds nothing.
  }
}

// Who signs in comes back to where they were; a provider leads everybody to the beginning.
function comeBack(isSigningIn) {
  const name = "chatbot-address";
  try {
    const address = sessionStorage.getItem(name);
    if (isSigningIn && location.search) sessionStorage.setItem(name, location.search);
    else if (!isSigningIn && address) {
      sessionStorage.removeItem(name);
      if (!location.search) location.replace(location.pathname + address);
    }
  } catch {
    // Storage is forbidden here: the beginning it is.
  }
}

function showPlace(data) {
  if (data.who) keepApart(data.who);
  comeBack(data.conversation === "SIGN_IN");
  const pane = document.querySelector('[data-testid="stMain"]');
  if (!pane) return;
  watch(pane);
  const isOther = data.conversation !== shown.conversation;
  const isAsked = data.question !== shown.question;
  const isFirst = shown.conversation === undefined;
  // What was typed after a new conversation's first question was sent goes along with it.
  const isBegun = isSent && shown.conversation === null && data.conversation !== null;
  if (isBegun) forgetDraft();
  // A run that was asked for before the question was sent says nothing of it.
  if (isOther || isAsked || data.unsent) isSent = false;
  const isFound = data.target && data.target.at !== shown.target?.at;
  if (data.renaming && data.renaming !== shown.renaming) focusTitle();
  if (data.editing && data.editing !== shown.editing) focusEdited();
  const typedMeanwhile = isOther && !isFirst && !isBegun && !data.unsent ? partDraft() : "";
  shown = data;
  withComposer((composer) => {
    // On a poor network a person has typed by the time that this script comes.
    const isTyped = isFirst && composer.value;
    if (!isBegun && !isTyped && isOther && !data.unsent) bringDraft(composer, typedMeanwhile);
    else keepDraft(composer.value);
    watchComposer(composer);
  });
  if (isOther || isAsked) {
    target = null;
    isPinned = true;
    if (!data.question) pane.scrollTop = 0;
    keepInView(pane);
    focusComposer();
  }
  if (isFound) {
    isPinned = false;
    showTarget(data.target.message);
  }
  if (isOther || isFound) closeSidebarOnPhone(); // also when it was left open and the page reloaded
  if (data.control) openControl(data.control);
}
