// Shows the host of each link in a message behind the link, because the link's text may mislead.
const PROTOCOLS = ["http:", "https:", "mailto:"];
const LINKS = '[data-testid="stChatMessage"] a[href]';

// Returns "" for a link whose text is its target, and for a link to this site.
function placeOf(link) {
  if (link.protocol === "mailto:") {
    const to = link.href.slice("mailto:".length); // including the addresses that get a copy
    return link.textContent === to ? "" : to;
  }
  const said = link.textContent.replace(/^https?:\/\//i, "");
  const isItself = said === link.host || said.startsWith(`${link.host}/`);
  return isItself || link.origin === location.origin ? "" : link.host;
}

function tellPlace(link) {
  // The browser parses the address, so that this check sees the same protocol as a click.
  if (!PROTOCOLS.includes(link.protocol)) link.removeAttribute("href");
  else if (link.dataset.place !== placeOf(link)) link.dataset.place = placeOf(link);
}

// Runs before the browser paints the link: added later, the host would move the text behind it.
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
