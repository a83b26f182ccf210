// Entry point of the page's script. All files in this folder are joined into a single script.
let shown = {}; // the data of the last run: conversation, last question and more
let isListening = false;
let runAgain; // makes the server run the page

export default function ({ data: [data], setTriggerValue }) {
  runAgain = () => setTriggerValue("back", true);
  document.documentElement.lang = data.language === "zh" ? "zh-CN" : "en";
  setIcon(data.icon);
  newModel = data.newModel;
  newest = data.newest;
  words = data.words;
  setStreamlitsWords(data.streamlitsWords);
  announcements();
  setUnlisted(data.unlisted);
  watchConnection(data.lost);
  copyWithoutMarks();
  tendCopyButtons();
  if (isListening) return;
  isListening = true;
  watchDirections();
  watchClicks();
  watchEnter();
  watchSearch();
  addEventListener("click", keepFocusOnSidebarButton, { capture: true });
  watchEscape();
  addEventListener("click", translateSoon, true);
  watchFocus();
  tendHomeScreen();
  tendModelField();
  addEventListener("chatbot-place", () => showPlace(window.chatbotPlace));
  if (window.chatbotPlace) showPlace(window.chatbotPlace);
}

// Keeps search engines away from shared copies, which are only for people with the link.
function setUnlisted(isUnlisted) {
  const before = document.head.querySelector('meta[name="robots"]');
  if (!isUnlisted) before?.remove();
  else if (!before) {
    const meta = document.createElement("meta");
    meta.name = "robots";
    meta.content = "noindex";
    document.head.append(meta);
  }
}

function closeSidebarOnPhone(tries = 300) {
  if (innerWidth >= 768) return; // on a wide screen the sidebar is beside the page, not over it
  const sidebar = document.querySelector('[data-testid="stSidebar"]');
  if (sidebar?.dataset.collapsed === "false")
    sidebar.querySelector('[data-testid="stSidebarCollapseButton"] button')?.click();
  // On a slow network the sidebar arrives after the page, and would cover it.
  else if (!sidebar && tries > 0) setTimeout(() => closeSidebarOnPhone(tries - 1), 100);
}

// Keeps the focus on the sidebar's button, which is another one when the sidebar is closed.
function keepFocusOnSidebarButton(event) {
  if (!event.isTrusted) return; // a click of this script
  const close = '[data-testid="stSidebarCollapseButton"] button';
  const open = '[data-testid="stExpandSidebarButton"]';
  if (event.target.closest(close)) focusSoon(open);
  else if (event.target.closest(open)) focusSoon(close);
}

function focusSoon(selector, tries = 20) {
  const button = document.querySelector(selector);
  button?.focus();
  if (document.activeElement !== button && tries > 0)
    setTimeout(() => focusSoon(selector, tries - 1), 50);
}

// Opens the sidebar at a field, named by the beginning of its key.
function openField(key, tries = 40) {
  document.querySelector('[data-testid="stExpandSidebarButton"]')?.click();
  const field = document.querySelector(
    `[data-testid="stSidebar"] [class*="st-key-${key}"] :is(input, [role="slider"])`,
  );
  if (field?.getBoundingClientRect().left >= 0) {
    field.scrollIntoView({ block: "center" });
    field.focus();
    field.select?.();
  } else if (tries > 0) setTimeout(() => openField(key, tries - 1), 50);
}

function showPlace(data) {
  if (data.who) keepApart(data.who);
  comeBack(data.conversation === "SIGN_IN");
  const pane = document.querySelector('[data-testid="stMain"]');
  if (!pane) return;
  watch(pane);
  const before = shown;
  const isFirst = before.conversation === undefined;
  const isOther = data.conversation !== before.conversation;
  const isAsked = data.question !== before.question;
  const isStepped = data.stepped !== before.stepped;
  const isFound = data.target && data.target.at !== before.target?.at;
  // Text typed after the first question of a new conversation stays with that conversation.
  const isBegun = isSent && before.conversation === null && data.conversation !== null;
  if (isBegun) keepDraft("");
  // A run that began before the question was sent does not know whether the question arrived.
  if (isOther || isAsked || data.unsent) [isSent, onItsWay] = [false, ""];
  const typedMeanwhile = isOther && !isFirst && !isBegun && !data.unsent ? partDraft() : "";
  shown = data; // drafts below this line belong to this conversation
  announce(data, isOther);
  translateSoon();
  findFocus();
  withComposer((composer) => {
    // On a slow network the visitor may have typed before this script arrives.
    const isTyped = isFirst && composer.value;
    if (isBegun || (isAsked && !isOther)) takeBack(composer);
    if (!isBegun && !isTyped && isOther && !data.unsent) bringDraft(composer, typedMeanwhile);
    else keepDraft(composer.value);
    if (data.unsent) keepReturned(composer);
    watchComposer(composer);
  });
  if (isStepped && isAsked && !isOther) isPinned = false;
  else if (isOther || isAsked) {
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
  if (data.edited && data.edited === keptEdit().id) forgetEdit(); // the edit was sent or cancelled
  if (data.editing && (isOther || data.editing !== before.editing))
    tendEditor(data.editing, data.editing === reopened);
  if (data.editing) reopened = null;
  if (!data.editing && (isOther || before.editing)) goOnEditing();
  // Also after a reload with an open sidebar, and after Clear.
  if (isOther || isFound || (before.question && !data.question)) closeSidebarOnPhone();
  if (data.control) openField(`${data.control}-`);
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
