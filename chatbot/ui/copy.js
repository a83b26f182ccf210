// A button that copies data.text as it is; page.js makes it, so that each brings only its text.
export default ({ data, parentElement }) => {
  (window.chatbotCopyButtons ??= []).push([parentElement, data]);
};
