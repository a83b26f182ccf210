// The model field: Enter takes the first model whose name contains the typed text. A name that is in
// no list is the last option and says that it is new. Typed text stays when the list arrives.
const OWN_NAME = '[data-key="__creatable__"]'; // Streamlit's option for a name in no list
let newModel = "{name}";
let modelField = null;
let typedModel = null; // the typed text, until the visitor chooses a model or leaves the field
let tending = null;
let ticksElsewhere = 0;
let steps = 0; // arrow-down keys minus arrow-up keys
let isAtByKey = false; // an arrow key has moved the focus from the first option

const isModelField = (element) =>
  element instanceof HTMLInputElement && element.closest('[class*="st-key-model-"]') !== null;

function tendModelField() {
  addEventListener("input", noteTypedModel, true);
  addEventListener("pointerdown", () => (typedModel = null), true);
  addEventListener("keydown", chooseByEnter, true); // before Streamlit sees it
}

function noteTypedModel({ target }) {
  if (!isModelField(target)) return;
  modelField = target;
  typedModel = target.value;
  ticksElsewhere = 0;
  isAtByKey = false;
  steps = 0;
  tending ??= setInterval(tendTyping, 50);
}

function tendTyping() {
  // While the options are shown, the field loses the focus for moments.
  if (document.activeElement !== modelField) {
    if (++ticksElsewhere < 6) return;
    clearInterval(tending);
    return (tending = typedModel = null);
  }
  ticksElsewhere = 0;
  // When the list arrives, Streamlit sets a model, which would replace the typed text.
  if (typedModel) fillIn(modelField, typedModel);
  const { list, own, first } = optionsOf(modelField);
  if (own) nameOwnOption(own);
  const takesFirst = own && first && !isAtByKey;
  list?.toggleAttribute("data-takes-first", Boolean(takesFirst));
  for (const option of list?.querySelectorAll("[data-is-taken]") ?? [])
    option.toggleAttribute("data-is-taken", takesFirst && option === first);
  if (!takesFirst) return;
  first.setAttribute("data-is-taken", "");
  modelField.setAttribute("aria-activedescendant", first.id);
}

function optionsOf(field) {
  const list = document.getElementById(field.getAttribute("aria-controls") ?? "");
  const own = list?.querySelector(OWN_NAME);
  const first = list?.querySelector(`[role="option"]:not(${OWN_NAME})`);
  return { list, own, first };
}

function nameOwnOption(own) {
  const name = newModel.replace("{name}", () => modelField.value);
  const text = own.querySelector("[data-item-hl]");
  if (!text || text.dataset.newModel === name) return;
  text.dataset.newModel = name;
  own.setAttribute("aria-label", name);
}

function chooseByEnter(event) {
  const field = event.target;
  if (!isModelField(field) || event.isComposing || event.keyCode === 229) return;
  if (event.key === "Escape" || event.key === "Tab") typedModel = null;
  const { list, own, first } = optionsOf(field);
  const isArrow = event.key === "ArrowDown" || event.key === "ArrowUp";
  // The first arrow key only focuses the first option.
  if (isArrow && list?.querySelector("[data-focused]")) {
    isAtByKey = true;
    steps += event.key === "ArrowDown" ? 1 : -1;
  }
  if (event.key !== "Enter") return;
  typedModel = null;
  // Streamlit sometimes moves the focus back to the new name, whatever option the keys had reached.
  const isOwnMeant = isAtByKey && steps === 0;
  const isOwnActive = own?.hasAttribute("data-focused");
  if (!own || !first || isOwnMeant || (isAtByKey && !isOwnActive)) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  // Of a long list, the page holds only the options in view: scroll to the first option.
  list.scrollTop = 0;
  requestAnimationFrame(() => requestAnimationFrame(() => optionsOf(field).first?.click()));
}
