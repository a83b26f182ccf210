// Where a link in a message leads is said behind it: its words may say anything.
const PROTOCOLS = ["http:", "https:", "mailto:"];
const LINKS = '[data-testid="stChatMessage"] a[href]';

// Nothing for what says it by itself, and for what stays on this page.
function placeOf(link) {
  if (link.protocol === "mailto:") {
    const to = link.href.slice("mailto:".length); // with those who get a copy
    return link.textContent === to ? "" : to;
  }
  const said = link.textContent.replace(/^https?:\/\//i, "");
  const isItself = said === link.host || said.startsWith(`${link.host}/`);
  return isItself || link.origin === location.origin ? "" : link.host;
}

function tellPlace(link) {
  // As the browser itself reads the address.
  if (!PROTOCOLS.includes(link.protocol)) link.removeAttribute("href");
  else if (link.dataset.place !== placeOf(link)) link.dataset.place = placeOf(link);
}

// Before it is on the screen, or the words behind a link would move when its place comes.
function tellPlacesOfNew(changes) {
  for (const { target, addedNodes } of changes) {
    const changed = (target.closest ? target : target.parentElement)?.closest(LINKS);
    if (changed) tellPlace(changed);
    for (const node of addedNodes) {
      if (node.nodeType !== Node.ELEMENT_NODE) continue;
      if (node.matches(LINKS)) tellPlace(node);
      node.querySelectorAll(LINKS).forEach(tellPlace);
    }
  }
}

let isWatching = false;

export default function () {
  if (isWatching) return;
  isWatching = true;
  const kinds = { childList: true, characterData: true, attributeFilter: ["href"] };
  new MutationObserver(tellPlacesOfNew).observe(document.body, { subtree: true, ...kinds });
  document.querySelectorAll(LINKS).forEach(tellPlace);
}
