// What a chat page does by itself, and Streamlit does not. The files beside this are one script.
let shown = {}; // the conversation and its last question, as of the last run
let isListening = false;
let runAgain; // has the server draw the page

export default function ({ data, setTriggerValue }) {
  runAgain = () => setTriggerValue("back", true);
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

function closeSidebarOnPhone(tries = 300) {
  if (innerWidth >= 768) return; // from there on it stands beside the page, not over it
  const sidebar = document.querySelector('[data-testid="stSidebar"]');
  if (sidebar?.dataset.collapsed === "false")
    sidebar.querySelector('[data-testid="stSidebarCollapseButton"] button')?.click();
  // On a poor network it comes some time after the page, and would cover that.
  else if (!sidebar && tries > 0) setTimeout(() => closeSidebarOnPhone(tries - 1), 100);
}

// Opens the sidebar at one of its controls.
function openControl(name, tries = 20) {
  document.querySelector('[data-testid="stExpandSidebarButton"]')?.click();
  const field = document.querySelector(
    `[class*="st-key-${name}-"] :is(input, [role="slider"])`,
  );
  if (field?.getBoundingClientRect().left >= 0) {
    field.scrollIntoView({ block: "center" });
    field.focus();
  } else if (tries > 0) setTimeout(() => openControl(name, tries - 1), 50);
}

function focusTitle(tries = 20) {
  const field = document.querySelector('[data-testid="stSidebar"] [data-testid="stForm"] input');
  // The title is filled in some time after the field is there, which would end the selection.
  if (field && (field.value || tries === 0)) {
    field.focus();
    field.select();
  } else if (tries > 0) setTimeout(() => focusTitle(tries - 1), 50);
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
  // What was typed after a new conversation's first question was sent goes along with it.
  const isBegun = isSent && before.conversation === null && data.conversation !== null;
  if (isBegun) keepDraft("");
  // A run that was asked for before the question was sent says nothing of it.
  if (isOther || isAsked || data.unsent) [isSent, onItsWay] = [false, ""];
  const typedMeanwhile = isOther && !isFirst && !isBegun && !data.unsent ? partDraft() : "";
  shown = data; // from here on, drafts are those of this conversation
  withComposer((composer) => {
    // On a poor network a person has typed by the time that this script comes.
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
  if (data.renaming && data.renaming !== before.renaming) focusTitle();
  if (data.edited && data.edited === keptEdit().id) forgetEdit(); // it was sent, or given up
  if (data.editing && (isOther || data.editing !== before.editing))
    tendEditor(data.editing, data.editing === reopened);
  if (data.editing) reopened = null;
  if (!data.editing && (isOther || before.editing)) goOnEditing();
  // Also when it was left open and the page reloaded, and when the conversation was emptied.
  if (isOther || isFound || (before.question && !data.question)) closeSidebarOnPhone();
  if (data.control) openControl(data.control);
}
