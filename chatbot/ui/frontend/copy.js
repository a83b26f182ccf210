// Copies data.text as it is. page/copying.js makes the button, so that only the text is sent for each.
export default ({ data: [data], parentElement }) => {
  (window.chatbotCopyButtons ??= []).push([parentElement, data]);
};
