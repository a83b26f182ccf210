// Sets the text direction of each paragraph by its first letter: Arabic and Hebrew are right to left.
const FROM_RIGHT = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\u{10800}-\u{10fff}\u{1e800}-\u{1efff}]/u;
const LETTER = /\p{L}/u;
const NO_TEXT = "pre, code, .stCode, .katex"; // does not decide the direction of the text around it
const TEXTS = '[data-testid="stMain"] :is([data-testid="stMarkdownContainer"], [data-testid="stText"])';
const BLOCKS = "p, ul, ol, h1, h2, h3, h4, h5, h6, blockquote, table, th, td";
const FIELDS = 'textarea, input:not([type]), input[type="text"]';

// Returns "rtl", "ltr", or "" for a block without letters.
function directionOf(block) {
  const walker = document.createTreeWalker(block, NodeFilter.SHOW_ELEMENT | NodeFilter.SHOW_TEXT, {
    acceptNode: (node) =>
      node.nodeType === Node.ELEMENT_NODE && node.matches(NO_TEXT)
        ? NodeFilter.FILTER_REJECT
        : NodeFilter.FILTER_ACCEPT,
  });
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const letter = node.nodeType === Node.TEXT_NODE && LETTER.exec(node.data);
    if (letter) return FROM_RIGHT.test(letter[0]) ? "rtl" : "ltr";
  }
  return "";
}

function setDirection(block) {
  const direction = directionOf(block);
  if (block.dir === direction) return;
  if (direction) block.dir = direction;
  else block.removeAttribute("dir");
}

function directText(text) {
  // Most texts have no letter from right to left, and need no more work.
  if (!text.dataset.directed && !FROM_RIGHT.test(text.textContent)) return;
  text.dataset.directed = true;
  if (text.matches('[data-testid="stText"]')) setDirection(text);
  text.querySelectorAll(BLOCKS).forEach(setDirection);
}

function directNew(changes) {
  const texts = new Set();
  for (const { target, addedNodes } of changes) {
    const changed = (target.closest ? target : target.parentElement)?.closest(TEXTS);
    if (changed) texts.add(changed);
    for (const node of addedNodes) {
      if (node.nodeType !== Node.ELEMENT_NODE) continue;
      for (const text of node.querySelectorAll(TEXTS)) texts.add(text);
      if (node.matches(TEXTS)) texts.add(node);
      if (node.matches(FIELDS)) node.dir = "auto";
      for (const field of node.querySelectorAll(FIELDS)) field.dir = "auto";
    }
  }
  texts.forEach(directText);
}

function watchDirections() {
  const kinds = { childList: true, characterData: true };
  new MutationObserver(directNew).observe(document.body, { subtree: true, ...kinds });
  document.querySelectorAll(TEXTS).forEach(directText);
  for (const field of document.querySelectorAll(FIELDS)) field.dir = "auto";
}
