// Stores the visitor's token in the browser and sends it to the server. If the server knows the
// visitor by a cookie, it suggests no token; a token stored before the cookie is handed over once.
const NAME = "chatbot-visitor";

export default function ({ data: [data], setStateValue }) {
  try {
    let token = localStorage.getItem(NAME);
    if (token && token === data.moved) {
      localStorage.removeItem(NAME);
      return;
    }
    if (!/^[A-Za-z0-9_-]{43}$/.test(token ?? "")) {
      token = data.suggested;
      if (token) localStorage.setItem(NAME, token);
    }
    if (token) setStateValue("token", token);
  } catch {
    // The browser forbids storage: each session is a new visitor.
    if (data.suggested) setStateValue("token", data.suggested);
  }
}
