// Puts Streamlit's own English words, most of them only for screen readers, into the page's language.
// No observer: the words change when a run of the page begins or ends, and at a click.
let streamlitsWords = {}; // translations, by the English words
let patterns = []; // … whose `{name}` stands for other words
let live = null; // timer of translateLiveCode()
let isTranslated = false; // the page was in another language than English
let translations = []; // timers
const original = new WeakMap(); // by node and attribute: the words before and after translation
const NAMED = ["aria-label", "title", "placeholder"];
const WRITTEN = ".stMarkdown :is(a, img)[title]"; // titles that the model wrote
const WORDED =
  '[data-testid="stSkipToContent"], [data-testid="stMainMenuPopover"] *, [data-footnotes] h2 *';

function setStreamlitsWords(words) {
  streamlitsWords = words;
  patterns = Object.keys(words).filter((english) => english.includes("{name}"));
  isTranslated ||= patterns.length > 0;
  translateSoon();
}

// Now, and when the browser has drawn the elements that it has received, late on a slow device.
function translateSoon() {
  if (!isTranslated) return;
  translations.forEach(clearTimeout);
  translations = [0, 300, 1500, 5000, 15_000].map((delay) => setTimeout(translateWords, delay));
}

function translated(words) {
  if (Object.hasOwn(streamlitsWords, words)) return streamlitsWords[words];
  for (const pattern of patterns) {
    const [begin, end] = pattern.split("{name}");
    if (!words.startsWith(begin) || !words.endsWith(end)) continue;
    const name = words.slice(begin.length, words.length - end.length);
    return streamlitsWords[pattern].replace("{name}", () => name);
  }
  return words;
}

// Returns the new words, or null if they stay. After a change of language, the English words come
// back first, unless Streamlit has set others.
function change(owner, name, current) {
  const before = original.get(owner)?.[name];
  const english = before?.[1] === current ? before[0] : current;
  const now = translated(english);
  original.set(owner, { ...original.get(owner), [name]: [english, now] });
  return now === current ? null : now;
}

function translateNames(selector) {
  for (const name of NAMED)
    for (const element of document.querySelectorAll(`${selector}[${name}]:not(${WRITTEN})`)) {
      const now = change(element, name, element.getAttribute(name));
      if (now !== null) element.setAttribute(name, now);
    }
}

// While an answer streams, no run begins or ends, but code comes with a button that copies it.
function translateLiveCode() {
  clearTimeout(live);
  if (!isTranslated || !answering || isOver) return;
  translateNames(".stCode button");
  live = setTimeout(translateLiveCode, 1000);
}

function translateWords() {
  translateNames("");
  for (const element of document.querySelectorAll(WORDED))
    for (const node of element.childNodes) {
      if (node.nodeType !== Node.TEXT_NODE) continue;
      const now = change(node, "text", node.data);
      if (now !== null) node.data = now;
    }
  // The button's visible words are in look.css, so that they never change before the visitor's eyes.
  for (const button of document.querySelectorAll('[data-testid="stFileUploaderDropzone"] button'))
    button.ariaLabel = translated(button.querySelector("p")?.textContent ?? "");
}
