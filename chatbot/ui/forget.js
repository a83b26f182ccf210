// Removes all that this browser keeps of a person, who they are included, and begins anew.
const LOOK = "chatbot-look"; // dark or light says nothing of anybody

async function forget(hasCookie) {
  for (const storage of [localStorage, sessionStorage])
    for (const name of Object.keys(storage))
      if (name.startsWith("chatbot-") && name !== LOOK) storage.removeItem(name);
  // No script can reach the cookie, so the server takes it back.
  if (hasCookie && !(await fetch("forget", { method: "POST" })).ok) return;
  location.replace(`${location.pathname}?view=forgotten`);
}

export default function ({ data }) {
  forget(data.cookie).catch(() => {}); // out of reach: what was deleted there is said on the page
}
