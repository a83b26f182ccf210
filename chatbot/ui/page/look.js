// How the page looks to begin with.

function setIcon(href) {
  let link = document.querySelector('link[rel~="icon"]');
  if (!link) {
    link = document.createElement("link");
    link.rel = "icon";
    document.head.append(link);
  }
  if (link.href !== href) link.href = href;
}

// Dark is the look to begin with: on the first visit it is chosen in the menu, as a person would.
function beginDark() {
  try {
    if (localStorage.getItem("chatbot-look")) return;
    localStorage.setItem("chatbot-look", "begun");
  } catch {
    return; // Storage is forbidden here: the browser's own preference it is.
  }
  if (matchMedia("(prefers-color-scheme: dark)").matches) return;
  const menu = document.querySelector('[data-testid="stMainMenu"] button');
  menu?.click();
  const item = () => {
    const buttons = [...document.querySelectorAll("button")];
    return buttons.find((button) => button.textContent.startsWith("dark_mode"));
  };
  const choose = (tries) => {
    const dark = item();
    dark?.click();
    if (dark) menu.click();
    if (dark) settle(60);
    else if (tries > 0) requestAnimationFrame(() => choose(tries - 1));
  };
  // A menu that closes gives the focus back to its button, some time after it has gone.
  const leave = () => {
    menu.blur(); // where the composer is not focused, its ring would stay
    focusComposer();
  };
  const settle = (tries) => {
    if (item() && tries > 0) requestAnimationFrame(() => settle(tries - 1));
    else setTimeout(leave, 200);
  };
  if (menu) choose(60);
}
