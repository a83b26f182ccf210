// Tells screen readers, politely and once each, that an answer has begun and how it ended, and what
// Clear and Undo did. Streamlit announces a failure's sentence itself, as an alert.
let words = {}; // the sentences, in the page's language
let answering = null; // id of the answer whose beginning was announced
let isOver = false; // … and whose end was announced
let isStopped = false; // the visitor has stopped the answer
let announced = ""; // last announcement of Clear or Undo
let atEnd; // timer that looks for the end again

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
    // On a slow device the run may be over before its data are drawn.
    if (isAtRest()) atEnd = setTimeout(announceEnd, 100);
    translateLiveCode();
  } else if (!data.answering && isOther) answering = null;
}

// Called when the page comes to rest. The browser may draw the run's last elements later, so the
// end is looked for again until the answer neither runs nor waits for a busy server.
function announceEnd() {
  clearTimeout(atEnd);
  if (!answering || isOver || !isAtRest()) return;
  if (document.querySelector(`${STOP}, [role="timer"]`)) {
    atEnd = setTimeout(announceEnd, 100);
    return;
  }
  isOver = true;
  const [last] = [...document.querySelectorAll('[data-testid="stChatMessage"]')].slice(-1);
  const end = isStopped ? words.stopped : words.complete;
  announcements().textContent = last?.querySelector('[role="alert"]') ? "" : end;
}
