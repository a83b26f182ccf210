// Deletes everything that the browser stores for a visitor, also their identity, and starts again.

async function forget(hasCookie) {
  for (const storage of [localStorage, sessionStorage])
    for (const name of Object.keys(storage))
      if (name.startsWith("chatbot-")) storage.removeItem(name);
  // No script can read the cookie, so the server deletes it.
  if (hasCookie && !(await fetch("forget", { method: "POST" })).ok) return;
  location.replace(`${location.pathname}?view=forgotten`);
}

export default function ({ data: [data] }) {
  forget(data.cookie).catch(() => {}); // no connection; the page already says what was deleted
}
