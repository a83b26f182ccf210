// Keeps the visitor's token in this browser and tells it to the server. Where the server has a
// cookie for that, it suggests none; what was kept here before there was one is handed over.
const NAME = "chatbot-visitor";

export default function ({ data, setStateValue }) {
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
    // Storage is forbidden here: the visitor is new each time.
    if (data.suggested) setStateValue("token", data.suggested);
  }
}
