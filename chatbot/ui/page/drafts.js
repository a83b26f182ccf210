// What is being typed stays with its conversation, and is there again after a reload.
let isSent = false; // whether a question was sent since the last run
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

// A question that is being edited, and how far.
const editName = () => `chatbot-draft-edit-${shown.conversation}`;
const keepEdit = (id, text) => kept.set(editName(), text && JSON.stringify({ id, text }));
const keptEdit = () => JSON.parse(kept.get(editName()) || "{}");

function focusEdited(id, tries = 40) {
  const field = document.querySelector('[class*="st-key-edited-"] textarea');
  if (field) {
    isPinned = false;
    const before = keptEdit();
    if (before.id === id) fillIn(field, before.text);
    field.addEventListener("input", () => keepEdit(id, field.value));
    field.focus({ preventScroll: true });
    field.setSelectionRange(field.value.length, field.value.length);
    field.scrollIntoView({ block: "center" });
  } else if (tries > 0) setTimeout(() => focusEdited(id, tries - 1), 50);
}

// After a reload: the editor opens as it was opened before.
function goOnEditing(tries = 60) {
  const { id } = keptEdit();
  const button = document.querySelector(`.st-key-icon-edit-${id?.slice(0, 12)} button`);
  if (button) button.click();
  else if (id && tries > 0) setTimeout(() => goOnEditing(tries - 1), 50);
}
