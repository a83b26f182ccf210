// Keeps what shows that this browser was given a password, and tells it to the server when asked.
const NAME = "chatbot-proofs";
let answered = null; // a lost connection may end in another session, which asks anew

export default function ({ data, setStateValue }) {
  let kept = {};
  try {
    kept = JSON.parse(localStorage.getItem(NAME)) ?? {};
    const keep = JSON.parse(data.keep);
    const known = JSON.stringify({ ...kept, ...keep });
    if (Object.keys(keep).length) localStorage.setItem(NAME, known);
  } catch {
    // Storage is forbidden here: the password is asked for each time.
  }
  focusField();
  if (data.ask === answered) return;
  answered = data.ask;
  setStateValue("told", { ask: data.ask, kept });
}

function focusField(tries = 40) {
  // On a touch screen this would open the keyboard over the page.
  if (!matchMedia("(hover: hover) and (pointer: fine)").matches) return;
  const field = document.querySelector(".st-key-entrance input");
  if (field) field.focus();
  else if (tries > 0) setTimeout(() => focusField(tries - 1), 50);
}
