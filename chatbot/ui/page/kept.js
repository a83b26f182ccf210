// What this tab keeps for itself, also when the page is loaded again.
const kept = {
  // "" if there is nothing, null where storage is forbidden.
  get(name) {
    try {
      return sessionStorage.getItem(name) ?? "";
    } catch {
      return null;
    }
  },
  // Returns whether it is kept now; with "" there is nothing any more.
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

// What one person was typing here is not for the next one who signs in.
function keepApart(who) {
  const before = kept.get("chatbot-who");
  if (before && before !== who)
    for (const name of kept.names()) if (/^chatbot-(draft|address)/.test(name)) kept.set(name, "");
  kept.set("chatbot-who", who);
}

// Who signs in comes back to where they were; a provider leads everybody to the beginning.
function comeBack(isSigningIn) {
  const name = "chatbot-address";
  const address = kept.get(name);
  if (isSigningIn && location.search) kept.set(name, location.search);
  else if (!isSigningIn && address) {
    kept.set(name, "");
    if (!location.search) location.replace(location.pathname + address);
  }
}
