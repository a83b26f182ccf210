// Where a link in a message leads is said behind it: its words may say anything.
const PROTOCOLS = ["http:", "https:", "mailto:"];

// Nothing for what says it by itself, and for what stays on this page.
function placeOf(link) {
  if (link.protocol === "mailto:") return link.textContent === link.pathname ? "" : link.pathname;
  const said = link.textContent.replace(/^https?:\/\//i, "");
  const isItself = said === link.host || said.startsWith(`${link.host}/`);
  return isItself || link.origin === location.origin ? "" : link.host;
}

function tellPlaces() {
  for (const link of document.querySelectorAll('[data-testid="stChatMessage"] a[href]')) {
    // As the browser itself reads the address.
    if (!PROTOCOLS.includes(link.protocol)) link.removeAttribute("href");
    else if (link.dataset.place !== placeOf(link)) link.dataset.place = placeOf(link);
  }
}

// An answer that comes is drawn ten times a second; to look after each cost a tenth more.
const DELAY_MILLISECONDS = 250;
let isDue = false;

function tellPlacesSoon() {
  if (isDue) return;
  isDue = true;
  setTimeout(() => {
    isDue = false;
    tellPlaces();
  }, DELAY_MILLISECONDS);
}

let isWatching = false;

export default function () {
  if (isWatching) return;
  isWatching = true;
  const changes = { subtree: true, childList: true, attributeFilter: ["href"] };
  new MutationObserver(tellPlacesSoon).observe(document.body, changes);
  tellPlaces();
}
