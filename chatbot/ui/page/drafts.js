// What is being typed stays with its conversation, and is there again after a reload.
let isSent = false; // whether a question was sent since the last run
let onItsWay = ""; // what was sent, until it comes up on the page or is refused
let broughtBack = ""; // what was thought to be lost
let atClick = null; // what stood in the composer at the last click that may lead elsewhere

function withComposer(act, tries = 200) {
  const composer = document.querySelector('[data-testid="stChatInputTextArea"]');
  if (composer) act(composer);
  else if (tries > 0) setTimeout(() => withComposer(act, tries - 1), 50);
}

function focusComposer() {
  // On a touch screen this would open the keyboard over what there is to read.
  if (!matchMedia("(hover: hover) and (pointer: fine)").matches) return;
  withComposer((composer) => composer.focus({ preventScroll: true }));
}

const draftName = () => `chatbot-draft-${shown.conversation ?? "new"}`;
const keepDraft = (text) => kept.set(draftName(), text);

function bringDraft(composer, typedMeanwhile) {
  const draft = kept.get(draftName());
  if (draft !== null) fillIn(composer, draft + typedMeanwhile);
}

// What could not be sent is put back some time after the page is told of it.
function keepReturned(composer, tries = 40) {
  if (composer.value) keepDraft(composer.value);
  else if (tries > 0) setTimeout(() => keepReturned(composer, tries - 1), 50);
}

// Fills in a field as if that had been typed.
function fillIn(field, text) {
  if (field.value === text) return;
  const valueOf = Object.getOwnPropertyDescriptor(HTMLTextAreaElement.prototype, "value");
  valueOf.set.call(field, text);
  field.dispatchEvent(new Event("input", { bubbles: true }));
}

function watchComposer(composer) {
  if (composer.dataset.isWatched) return;
  composer.dataset.isWatched = "yes";
  composer.addEventListener("input", () => keepDraft(composer.value));
  composer.addEventListener("keydown", (event) => {
    const isChoosing = event.isComposing || event.keyCode === 229; // a word of an input method
    if (event.key === "Enter" && !event.shiftKey && !isChoosing) noteSent(composer);
  });
  const form = composer.closest('[data-testid="stChatInput"]');
  const submit = '[data-testid="stChatInputSubmitButton"]';
  const note = (event) => event.target.closest(submit) && noteSent(composer);
  form?.addEventListener("click", note, { capture: true }); // before it is emptied
}

function noteSent(composer) {
  if (!composer.value.trim()) return;
  isSent = true;
  onItsWay = composer.value;
}

// A question is lost with the connection, or on a server that has forgotten the page: it hears
// nothing of what a session begins with.
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

// It was not lost after all, only late.
function takeBack(composer) {
  if (broughtBack && composer.value === broughtBack) fillIn(composer, "");
  broughtBack = "";
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
  if (before === null || before.startsWith(typed)) return "";
  keepDraft(before);
  return typed.startsWith(before) ? typed.slice(before.length) : typed;
}

// A question that is being edited, and how far.
let reopened = null; // the one whose editor was opened by this script
const editName = () => `chatbot-draft-edit-${shown.conversation}`;
const forgetEdit = () => kept.set(editName(), "");

function keptEdit() {
  try {
    const { id, text } = JSON.parse(kept.get(editName()) || "{}");
    if (/^[0-9a-f]+$/.test(id) && typeof text === "string") return { id, text };
  } catch {
    // Not what was kept here.
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
    if (isGoneOnWith) return; // by then somebody may be typing elsewhere
    field.focus({ preventScroll: true });
    field.setSelectionRange(field.value.length, field.value.length);
  } else if (tries > 0) setTimeout(() => tendEditor(id, isGoneOnWith, tries - 1), 50);
}

// After a reload, and with a new session of the server's: the editor opens as it was before.
function goOnEditing(conversation = shown.conversation, tries = 60) {
  const { id } = keptEdit();
  if (!id || conversation !== shown.conversation) return;
  const button = document.querySelector(`.st-key-icon-edit-${id.slice(0, 12)} button`);
  if (button) {
    reopened = id;
    button.click();
  } else if (tries > 0) setTimeout(() => goOnEditing(conversation, tries - 1), 50);
}
