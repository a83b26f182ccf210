// A button that copies data.text as it is.
const ICON =
  '<svg viewBox="0 0 24 24" aria-hidden="true"><path d="M8 7V4.5A1.5 1.5 0 0 1 9.500 3h9A1.500 1.500 0 0 1 20 4.500v10a1.500 1.500 0 0 1-1.500 1.500H16M5.500 8h9A1.500 1.500 0 0 1 16 9.500v10a1.500 1.500 0 0 1-1.500 1.500h-9A1.500 1.500 0 0 1 4 19.500v-10A1.500 1.500 0 0 1 5.500 8Z"/></svg>';

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Pages served without TLS have no clipboard; the old way still works there.
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

export default function ({ data, parentElement }) {
  let button = parentElement.querySelector("button");
  if (!button) {
    button = document.createElement("button");
    button.type = "button";
    button.innerHTML = ICON + '<span aria-live="polite"></span>';
    parentElement.append(button);
  }
  const said = button.querySelector("span");
  const say = (name, text) => {
    button.ariaLabel = name;
    said.textContent = text;
  };
  say(data.label, "");
  button.onclick = async () => {
    await copy(data.text);
    say(data.done, data.done);
    setTimeout(() => say(data.label, ""), 2000);
  };
}
