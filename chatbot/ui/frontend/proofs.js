// Stores the proofs that the visitor gave a password, and sends them when the server asks.
const NAME = "chatbot-proofs";
let answered = null; // the last answered request; after a lost connection a new session asks again

export default function ({ data: [data], setStateValue }) {
  let kept = {};
  try {
    kept = JSON.parse(localStorage.getItem(NAME)) ?? {};
    const keep = JSON.parse(data.keep);
    const known = JSON.stringify({ ...kept, ...keep });
    if (Object.keys(keep).length) localStorage.setItem(NAME, known);
  } catch {
    // The browser forbids storage: the server asks for the password in each session.
  }
  focusField();
  if (data.ask === answered) return;
  answered = data.ask;
  setStateValue("told", { ask: data.ask, kept });
}

function focusField(tries = 40) {
  // On a touch screen, focusing the field would open the keyboard over the page.
  if (!matchMedia("(hover: hover) and (pointer: fine)").matches) return;
  const field = document.querySelector(".st-key-entrance input");
  if (field) field.focus();
  else if (tries > 0) setTimeout(() => focusField(tries - 1), 50);
}
