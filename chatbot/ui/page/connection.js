// While the server is out of reach, one sentence instead of Streamlit's dialog over everything.
// After a message that it cannot read Streamlit gives up for good, and a new page is needed.

const RELOADS = 3; // at most, one after the other
const WELL_MILLISECONDS = 60_000; // a page that lasts so long is well
const LOST_MILLISECONDS = 4000; // a question is lost if the page is at rest for so long without it
let atRest; // the timer for that

// A new page has what was kept, and what is being typed. Without storage it might never end.
function reload() {
  const name = "chatbot-reloads";
  const reloads = Number(kept.get(name));
  if (reloads >= RELOADS || !kept.set(name, String(reloads + 1))) return false;
  location.reload();
  return true;
}

function watchConnection(sentence) {
  let note = document.getElementById("chatbot-lost");
  if (!note) {
    note = document.createElement("div");
    note.id = "chatbot-lost";
    note.role = "status";
    document.body.append(note);
    const app = document.querySelector('[data-testid="stApp"]');
    let before = app?.dataset.testConnectionState;
    const look = () => {
      const connection = app.dataset.testConnectionState;
      const isComing = connection === "DISCONNECTED_FOREVER" && reload();
      const isLost = isComing || connection === "PINGING_SERVER";
      note.textContent = isLost ? note.dataset.sentence : "";
      const isResting = connection === "CONNECTED" && app.dataset.testScriptState === "notRunning";
      // Streamlit has only what was cut off done again. But by now the server may have forgotten
      // this page, and what comes first from a page that it has not drawn, it does not hear.
      if (isResting && before !== connection) runAgain();
      before = connection;
      clearTimeout(atRest);
      if (isResting) atRest = setTimeout(bringBackWhatWasLost, LOST_MILLISECONDS);
    };
    const state = {
      attributeFilter: ["data-test-connection-state", "data-test-script-state"],
    };
    if (app) new MutationObserver(look).observe(app, state);
    setTimeout(() => kept.set("chatbot-reloads", ""), WELL_MILLISECONDS);
  }
  note.dataset.sentence = sentence;
}
