// Shows a sentence while the server is out of reach, instead of Streamlit's dialog over the page.
// After an unreadable message Streamlit gives up for good, so this script reloads the page.

const RELOADS = 3; // most reloads in a row
const WELL_MILLISECONDS = 60_000; // a page that works for so long resets the count of reloads
const LOST_MILLISECONDS = 4000; // a question is lost if the page rests for so long without it
let atRest; // timer for LOST_MILLISECONDS

// Reloads the page, which restores unsent text. Without storage the reloads could not be counted,
// and might never end.
function reload() {
  const name = "chatbot-reloads";
  const reloads = Number(kept.get(name));
  if (reloads >= RELOADS || !kept.set(name, String(reloads + 1))) return false;
  location.reload();
  return true;
}

// The page is connected, and the server does not run it.
function isAtRest() {
  const state = document.querySelector('[data-testid="stApp"]')?.dataset;
  return state?.testConnectionState === "CONNECTED" && state.testScriptState === "notRunning";
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
      const isResting = isAtRest();
      // After a reconnect Streamlit repeats only an interrupted run. The server may have forgotten
      // this session, and ignores the first click on a page it has not drawn: so rerun the page.
      if (isResting && before !== connection) runAgain();
      before = connection;
      clearTimeout(atRest);
      if (isResting) atRest = setTimeout(bringBackWhatWasLost, LOST_MILLISECONDS);
      if (isResting) {
        announceEnd();
        translateSoon();
      }
    };
    const state = {
      attributeFilter: ["data-test-connection-state", "data-test-script-state"],
    };
    if (app) new MutationObserver(look).observe(app, state);
    setTimeout(() => kept.set("chatbot-reloads", ""), WELL_MILLISECONDS);
  }
  note.dataset.sentence = sentence;
}
