// Tells screen readers, politely and once each, that an answer has begun and how it ended, and what
// Clear and Undo did. Streamlit announces a failure's sentence itself, as an alert.
let words = {}; // the sentences, in the page's language
let answering = null; // id of the answer whose beginning was announced
let isOver = false; // … and whose end was announced
let isStopped = false; // the visitor has stopped the answer
let announced = ""; // last announcement of Clear or Undo

// The region must be on the page before its first sentence.
function announcements() {
  let region = document.getElementById("chatbot-announcements");
  if (!region) {
    region = document.createElement("div");
    region.id = "chatbot-announcements";
    region.role = "status";
    document.body.append(region);
    addEventListener("click", ({ target }) => (isStopped ||= Boolean(target.closest?.(STOP))), true);
  }
  return region;
}

function announce(data, isOther) {
  const announcement = JSON.stringify(data.announcement ?? null);
  if (data.announcement && announcement !== announced)
    announcements().textContent = data.announcement[1];
  announced = announcement;
  if (data.answering && data.answering !== answering) {
    [answering, isOver, isStopped] = [data.answering, false, false];
    announcements().textContent = words.answering;
  } else if (!data.answering && isOther) answering = null;
}

// Called when a run of the page has ended; the browser may still be drawing its last elements.
function announceEnd(tries = 10) {
  if (!answering || isOver) return;
  // The answer still runs, or waits for a busy server.
  if (document.querySelector(`${STOP}, [role="timer"]`)) {
    if (tries > 0) setTimeout(() => announceEnd(tries - 1), 100);
    return;
  }
  isOver = true;
  const [last] = [...document.querySelectorAll('[data-testid="stChatMessage"]')].slice(-1);
  const end = isStopped ? words.stopped : words.complete;
  announcements().textContent = last?.querySelector('[role="alert"]') ? "" : end;
}
