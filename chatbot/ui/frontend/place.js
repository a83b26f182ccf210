// Tells page/main.js, which may load before or after this script, what the page shows.
export default function ({ data: [data] }) {
  window.chatbotPlace = data;
  dispatchEvent(new Event("chatbot-place"));
}
