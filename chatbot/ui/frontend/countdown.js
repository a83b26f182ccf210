// Counts down to the server's next attempt to ask a busy endpoint, and then reruns the page.
//
// The server uses its own clock: if the phone was locked, only the rerun is late.
const LOOK_AGAIN = 3000; // milliseconds until another rerun, as the connection may have been lost

export default function ({ data: [data], parentElement, setTriggerValue }) {
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
