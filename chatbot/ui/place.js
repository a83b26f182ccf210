// Tells page/main.js, which may be there already or come later, where in which conversation we are.
export default function ({ data }) {
  window.chatbotPlace = data;
  dispatchEvent(new Event("chatbot-place"));
}
