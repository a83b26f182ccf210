// Counts down to the moment at which the server asks again by itself, then has the page look.
//
// The server waits by its own clock: a phone that was locked only looks later.
const LOOK_AGAIN = 3000; // milliseconds; the connection may just be coming back

export default function ({ data, parentElement, setTriggerValue }) {
  let line = parentElement.querySelector("span");
  if (!line) {
    line = document.createElement("span");
    line.setAttribute("role", "timer");
    parentElement.append(line);
  }
  const end = Date.now() + data.seconds * 1000;
  let nextLook = end;
  const tick = () => {
    const left = Math.ceil((end - Date.now()) / 1000);
    line.textContent = left > 0 ? data.waiting.replace("%", left) : data.now;
    if (Date.now() < nextLook) return;
    nextLook = Date.now() + LOOK_AGAIN;
    setTriggerValue("over", nextLook);
  };
  clearInterval(line.chatbotTimer);
  line.chatbotTimer = setInterval(tick, 250);
  document.addEventListener("visibilitychange", tick);
  tick();
  return () => {
    clearInterval(line.chatbotTimer);
    document.removeEventListener("visibilitychange", tick);
  };
}
