// Keeps the visitor's token in this browser and tells it to the server.
const NAME = "chatbot-visitor";

export default function ({ data, setStateValue }) {
  let token = null;
  try {
    token = localStorage.getItem(NAME);
  } catch {
    // Storage is forbidden here: the visitor is new each time.
  }
  if (!/^[A-Za-z0-9_-]{43}$/.test(token ?? "")) {
    token = data.suggested;
    try {
      localStorage.setItem(NAME, token);
    } catch {
      // As above.
    }
  }
  setStateValue("token", token);
}
