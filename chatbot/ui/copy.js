// A button that copies data.text as it is; page/copying.js makes it, so that each brings only its text.
export default ({ data, parentElement }) => {
  (window.chatbotCopyButtons ??= []).push([parentElement, data]);
};
