// Lets a phone put the app on its home screen: icon, name, and the colour of the bar above the page.
// The server in deploy/ has the same in the page's HTML, where more browsers find it.
const LINKS_HOME = {
  manifest: "./app/static/manifest.json",
  "apple-touch-icon": "./app/static/apple-touch-icon.png",
};

function tendHomeScreen() {
  for (const [rel, href] of Object.entries(LINKS_HOME)) {
    if (document.querySelector(`link[rel="${rel}"]`)) continue;
    const link = document.createElement("link");
    [link.rel, link.href] = [rel, href];
    document.head.append(link);
  }
  colourBar();
  // The visitor may choose another look than the system's in the menu.
  addEventListener("click", () => setTimeout(colourBar, 300), true);
}

function colourBar() {
  const app = document.querySelector('[data-testid="stApp"]');
  if (!app) return;
  const colour = getComputedStyle(app).backgroundColor;
  const [first, ...others] = document.querySelectorAll('meta[name="theme-color"]');
  const bar = first ?? document.createElement("meta");
  if (bar.content === colour) return;
  for (const other of others) other.remove();
  bar.removeAttribute("media");
  [bar.name, bar.content] = ["theme-color", colour];
  document.head.append(bar);
}
