// Copies an answer, or a part of it, as the model wrote it.

// Removed from copied text: chatbot/markdown/to_streamlit.py adds it so Streamlit keeps code as it is.
const MARK = "\u2060\u2060";

function copyWithoutMarks() {
  if (window.isCopyingWithoutMarks) return;
  window.isCopyingWithoutMarks = true;
  document.addEventListener("copy", (event) => {
    const text = String(getSelection());
    if (!text.includes(MARK)) return;
    event.clipboardData.setData("text/plain", text.replaceAll(MARK, ""));
    event.preventDefault();
  });
  const clipboard = navigator.clipboard;
  const write = clipboard?.writeText;
  if (write) clipboard.writeText = (text) => write.call(clipboard, text.replaceAll(MARK, ""));
}

// Icon of the copy buttons.
const COPY_ICON =
  '<svg viewBox="0 0 24 24" aria-hidden="true"><path d="M8 7V4.5A1.5 1.5 0 0 1 9.500 3h9A1.500 1.500 0 0 1 20 4.500v10a1.500 1.500 0 0 1-1.500 1.500H16M5.500 8h9A1.500 1.500 0 0 1 16 9.500v10a1.500 1.500 0 0 1-1.500 1.500h-9A1.500 1.500 0 0 1 4 19.500v-10A1.500 1.500 0 0 1 5.500 8Z"/></svg>';

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // A page served without TLS has no clipboard; the old way still works there.
    const area = document.createElement("textarea");
    area.value = text;
    area.style.position = "fixed";
    area.style.opacity = "0";
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
}

const COPIED_MILLISECONDS = 2000;
let copied = { text: null, until: 0 };

function showCopyButton(place, data) {
  let button = place.querySelector("button");
  if (!button) {
    button = document.createElement("button");
    button.type = "button";
    button.innerHTML = COPY_ICON + '<span aria-live="polite"></span>';
    place.append(button);
  }
  const said = button.querySelector("span");
  // If the page is drawn again just after a click, its new button says "copied", too.
  const show = () => {
    const left = copied.text === data.text ? copied.until - Date.now() : 0;
    button.ariaLabel = left > 0 ? data.done : data.label;
    said.textContent = left > 0 ? data.done : "";
    if (left > 0) setTimeout(show, left + 1);
  };
  show();
  button.onclick = async () => {
    await copy(data.text);
    copied = { text: data.text, until: Date.now() + COPIED_MILLISECONDS };
    show();
  };
}

// Draws all copy buttons, also those that arrived before this script.
function tendCopyButtons() {
  const waiting = window.chatbotCopyButtons;
  window.chatbotCopyButtons = { push: (one) => showCopyButton(...one) };
  if (Array.isArray(waiting)) for (const one of waiting) showCopyButton(...one);
}
