// Storage of this browser tab, which lasts across reloads.
const kept = {
  // Returns "" if nothing is stored, and null if the browser forbids storage.
  get(name) {
    try {
      return sessionStorage.getItem(name) ?? "";
    } catch {
      return null;
    }
  },
  // Stores a text, or removes it if it is "". Returns false if the browser forbids storage.
  set(name, text) {
    try {
      if (text) sessionStorage.setItem(name, text);
      else sessionStorage.removeItem(name);
      return true;
    } catch {
      return false;
    }
  },
  names() {
    try {
      return Object.keys(sessionStorage);
    } catch {
      return [];
    }
  },
};

// Deletes unsent text when another person signs in, so that nobody sees another person's text.
function keepApart(who) {
  const before = kept.get("chatbot-who");
  if (before && before !== who)
    for (const name of kept.names()) if (/^chatbot-(draft|address)/.test(name)) kept.set(name, "");
  kept.set("chatbot-who", who);
}

// Returns to the address that was open before signing in; the provider leads to the start page.
function comeBack(isSigningIn) {
  const name = "chatbot-address";
  const address = kept.get(name);
  if (isSigningIn && location.search) kept.set(name, location.search);
  else if (!isSigningIn && address) {
    kept.set(name, "");
    if (!location.search) location.replace(location.pathname + address);
  }
}
