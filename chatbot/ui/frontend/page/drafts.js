// Keeps unsent text with its conversation, and restores it after a reload.
const SUBMIT = '[data-testid="stChatInputSubmitButton"]';
let isSent = false; // a question was sent since the last run
let onItsWay = ""; // the sent question, until the page shows it or the server refuses it
let broughtBack = ""; // the composer's text after a question that seemed lost was restored
let atClick = null; // the composer's text at the last click that may open another conversation

function withComposer(act, tries = 200) {
  const composer = document.querySelector('[data-testid="stChatInputTextArea"]');
  if (composer) act(composer);
  else if (tries > 0) setTimeout(() => withComposer(act, tries - 1), 50);
}

function focusComposer() {
  // On a touch screen, focusing the composer would open the keyboard over the messages.
  if (isTouch()) return;
  withComposer((composer) => composer.focus({ preventScroll: true }));
}

const draftName = () => `chatbot-draft-${shown.conversation ?? "new"}`;
const keepDraft = (text) => kept.set(draftName(), text);

function bringDraft(composer, typedMeanwhile) {
  const draft = kept.get(draftName());
  if (draft !== null) fillIn(composer, draft + typedMeanwhile);
}

// Keeps a question that could not be sent. Streamlit fills in its text some time after this call.
function keepReturned(composer, tries = 40) {
  if (composer.value) keepDraft(composer.value);
  else if (tries > 0) setTimeout(() => keepReturned(composer, tries - 1), 50);
}

// Fills in a field as if the visitor had typed the text.
function fillIn(field, text) {
  if (field.value === text) return;
  const valueOf = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(field), "value");
  valueOf.set.call(field, text);
  field.dispatchEvent(new Event("input", { bubbles: true }));
}

function watchComposer(composer) {
  if (composer.dataset.isWatched) return;
  composer.dataset.isWatched = "yes";
  composer.addEventListener("input", () => keepDraft(composer.value));
  nameEnterKey(composer);
  const form = composer.closest('[data-testid="stChatInput"]');
  const note = (event) => event.target.closest(SUBMIT) && noteSent(composer);
  form?.addEventListener("click", note, { capture: true }); // before Streamlit empties the composer
}

function noteSent(composer) {
  if (!composer.value.trim()) return;
  isSent = true;
  onItsWay = composer.value;
}

// Restores a lost question. A question is lost with the connection, or if the server has forgotten
// the session, because the server ignores what a new session sends first.
function bringBackWhatWasLost() {
  const lost = onItsWay;
  onItsWay = "";
  if (!lost) return;
  withComposer((composer) => {
    if (composer.value.includes(lost)) return;
    broughtBack = [lost, composer.value].filter(Boolean).join("\n");
    fillIn(composer, broughtBack);
    setTimeout(() => (broughtBack = ""), 30_000);
  });
}

// Removes a restored question that was not lost but only late.
function takeBack(composer) {
  if (broughtBack && composer.value === broughtBack) fillIn(composer, "");
  broughtBack = "";
}

// On a slow network the visitor types on between a click and the page that it opens.
function watchClicks() {
  const note = (event) => {
    if (event.target.closest('[data-testid="stChatInput"]')) return;
    atClick = document.querySelector('[data-testid="stChatInputTextArea"]')?.value ?? "";
    const isNew = event.target.closest(".st-key-new");
    if (isNew) focusComposer(); // to type before the new page arrives
    // Nothing else will open then.
    if (event.target.closest(".list-title[aria-current]") || (isNew && !shown.conversation))
      closeSidebarOnPhone(0);
  };
  addEventListener("click", note, { capture: true });
  addEventListener("popstate", () => (atClick = null)); // the browser's back button, not a click
}

// Returns text typed after the last click, which belongs to the conversation that the click opened.
// Text typed before the click stays with the earlier conversation.
function partDraft() {
  const before = atClick;
  atClick = null;
  const typed = document.querySelector('[data-testid="stChatInputTextArea"]')?.value ?? "";
  if (before === null || before.startsWith(typed)) return "";
  keepDraft(before);
  return typed.startsWith(before) ? typed.slice(before.length) : typed;
}

// The question being edited, and its edited text.
let reopened = null; // id of the question whose editor this script opened
const editName = () => `chatbot-draft-edit-${shown.conversation}`;
const forgetEdit = () => kept.set(editName(), "");

function keptEdit() {
  try {
    const { id, text } = JSON.parse(kept.get(editName()) || "{}");
    if (/^[0-9a-f]+$/.test(id) && typeof text === "string") return { id, text };
  } catch {
    // The stored text is not JSON that this script wrote.
  }
  return {};
}

function tendEditor(id, isGoneOnWith, tries = 40) {
  const field = document.querySelector(`.st-key-edited-${id.slice(0, 12)} textarea`);
  if (field) {
    isPinned = false;
    const before = keptEdit();
    if (before.id === id) fillIn(field, before.text);
    const keep = () => kept.set(editName(), JSON.stringify({ id, text: field.value }));
    field.addEventListener("input", keep);
    field.scrollIntoView({ block: "center" });
    if (isGoneOnWith) return; // meanwhile the visitor may be typing in another field
    field.focus({ preventScroll: true });
    field.setSelectionRange(field.value.length, field.value.length);
  } else if (tries > 0) setTimeout(() => tendEditor(id, isGoneOnWith, tries - 1), 50);
}

// Reopens the editor as it was, after a reload or when the server has a new session.
function goOnEditing(conversation = shown.conversation, tries = 60) {
  const { id } = keptEdit();
  if (!id || conversation !== shown.conversation) return;
  const button = document.querySelector(`.st-key-icon-edit-${id.slice(0, 12)} button`);
  if (button) {
    reopened = id;
    button.click();
  } else if (tries > 0) setTimeout(() => goOnEditing(conversation, tries - 1), 50);
}
