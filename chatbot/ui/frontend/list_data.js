// Hands the conversations to list.js, which may load before or after this script.
export default function (list) {
  window.chatbotList = list;
  dispatchEvent(new Event("chatbot-list"));
}
