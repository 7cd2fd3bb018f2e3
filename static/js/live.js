// Keeps a page current. The event stream (hx-sse on #live) says that something has changed, or, while it is away, a
// timer does every five seconds; then each [data-live] part of the page is asked for again with the versions that are
// shown, and the server answers with what differs, or with 204. Nothing is replaced under a person's hands.

const POLL = 5000, LEAST_GAP = 300, MOST_GAP = 700, SPREAD = 1000, SENDING = 2000, QUIET = 4000, SILENT = 40_000;
const live = document.getElementById("live");
const news = document.getElementById("news");
const said = document.getElementById("said");
const sheet = document.getElementById("sheet");
const sheetBody = document.getElementById("sheet-body");

// ---- the connection ----------------------------------------------------------------------------------------------

let streaming = false, failed = false, over = false, heardAt = 0, currentAt = Date.now(), connection = null;

function showState() {
  const pill = document.getElementById("live-state");
  if (!pill) return;
  const state = over ? "over" : failed ? "lost" : streaming ? "live" : heardAt ? "polling" : "connecting";
  if (pill.dataset.state === state) return;
  pill.dataset.state = state;
  const time = pill.querySelector("time");
  if (state === "lost" && time) time.textContent = new Date(currentAt).toLocaleTimeString([], { hour12: false });
  if (state === "lost" || state === "over") announce(pill.innerText);
}

function setStreaming(is) {
  streaming = is;
  heardAt = Date.now();
  showState();
}

live.addEventListener("htmx:sse:after:connection", (event) => { connection = event.detail.connection; });
live.addEventListener("htmx:sse:before:connection", (event) => event.detail.connection.attempt && setStreaming(false));
for (const name of ["htmx:sse:error", "htmx:sse:close", "htmx:error", "htmx:response:error", "offline"]) {
  live.addEventListener(name, () => setStreaming(false));
}
for (const name of ["hello", "resync"]) live.addEventListener(name, () => setStreaming(true));
live.addEventListener("htmx:sse:before:message", () => { heardAt = Date.now(); });

// htmx starts in a task of its own, before or after this file: it connects when we can hear the stream's first word.
setTimeout(() => {
  live.setAttribute("hx-sse:connect", live.dataset.stream);
  htmx.process(live);
});

function hangUp() {
  setStreaming(false);
  connection?.reader?.cancel();
}

// Nothing was heard, not even a heartbeat: the connection is dead although nobody has told us.
setInterval(() => {
  if (streaming && Date.now() - heardAt > SILENT) hangUp();
  if ((!streaming || failed) && !document.hidden && !over) fire("changed");
}, POLL);

addEventListener("offline", (event) => {
  if (event.target !== window) return; // it is the stream's word for a server without Redis
  failed = true;
  hangUp();
});
addEventListener("online", () => {
  connection?.delayCanceller?.();
  look();
});

// Nobody is signed in any more, or the incident is not theirs to see: what stands here is the last of it.
function end(status) {
  over = true;
  hangUp();
  live.remove();
  if (status === 401) document.dispatchEvent(new CustomEvent("muster:signed-out"));
}

function fire(name) {
  live.dispatchEvent(new CustomEvent(name, { detail: {} }));
}

// ---- looking again -----------------------------------------------------------------------------------------------
// However much happens, there is a gap between two looks, and one more look at the end; none while nobody sees the page.
// The gap is a few times what the last answer took: whoever has a server to themselves sees more, and a busy one is spared.

let answeredIn = 0, lookedAt = 0, waiting = 0, missed = false, mine = false;

// What is on its way from here changes the page in a moment: others' news come with the look that follows its answer.
const onItsWay = () => sending && workedAt + SENDING - Date.now();
const gap = () => Math.min(MOST_GAP, Math.max(LEAST_GAP, 5 * answeredIn));

function look(soon = false) {
  if (document.hidden) {
    missed = true;
    return;
  }
  mine ||= soon; // what somebody just did themselves is not held back because somebody else's news came with it
  clearTimeout(waiting);
  const wait = mine ? 0 : Math.max(Math.random() * 120, lookedAt + gap() - Date.now(), onItsWay());
  waiting = setTimeout(() => {
    const own = mine;
    mine = false;
    lookedAt = Date.now();
    for (const part of document.querySelectorAll("[data-live]:not(#presence)")) refresh(part, own);
  }, wait);
}

const lookAround = () => refresh(document.getElementById("presence"));

live.addEventListener("changed", () => look());
live.addEventListener("presence", lookAround);
// Whatever was missed; a little later, because all open pages hear this in the same moment.
for (const name of ["hello", "resync", "offline"]) live.addEventListener(name, () => setTimeout(() => {
  look();
  lookAround();
}, Math.random() * SPREAD));
document.addEventListener("visibilitychange", () => {
  if (!document.hidden && missed) {
    missed = false;
    look();
  }
});
addEventListener("pageshow", (event) => event.persisted && look());

const running = new WeakMap();

async function refresh(part, own = false) {
  if (!part || over) return;
  if (running.has(part)) {
    running.set(part, { again: true, own: own || running.get(part).own });
    return;
  }
  running.set(part, { again: false, own });
  try {
    await ask(part);
    failed = false;
    currentAt = Date.now();
  } catch (error) {
    failed = !streaming || error.name !== "Error"; // no answer at all, although the stream seems to be open
  }
  showState();
  const { again, own: ours } = running.get(part);
  running.delete(part);
  if (again) refresh(part, ours);
}

async function ask(part) {
  const panels = [part, ...part.querySelectorAll("[data-version]")].filter((one) => one.dataset.version && one.closest("[data-live]") === part);
  const seen = panels.map((one) => `${one.id}.${(held.get(one.id) ?? one).dataset.version}`).join(",");
  const address = `${part.dataset.live}${part.dataset.live.includes("?") ? "&" : "?"}seen=${encodeURIComponent(seen)}`;
  const askedAt = Date.now();
  const response = await fetch(address, { headers: { "HX-Request": "true" }, signal: AbortSignal.timeout(8000) });
  answeredIn = Date.now() - askedAt;
  if (response.redirected || [401, 403, 404].includes(response.status)) {
    end(response.redirected ? 401 : response.status);
    return;
  }
  if (response.status === 204) {
    if (running.get(part).own) release(true);
    return;
  }
  if (!response.ok) throw new Error(response.statusText);
  const fresh = new DOMParser().parseFromString(await response.text(), "text/html");
  // A part that knows better what to do with its news takes them (static/js/list.js).
  if (!part.dispatchEvent(new CustomEvent("muster:fresh", { detail: fresh, bubbles: true, cancelable: true }))) return;
  for (const panel of fresh.querySelectorAll("[data-version]")) held.set(panel.id, panel);
  release(running.get(part).own); // what was done after it was asked for may be in the answer already
}

// ---- putting news on the page ------------------------------------------------------------------------------------
// What is new waits in `held` until nobody is at work on the panel that it replaces.

const held = new Map();
let movedAt = 0, under = null, hovers = false, pressing = false, owed = false;

for (const name of ["pointermove", "pointerdown"]) {
  document.addEventListener(name, (event) => {
    movedAt = Date.now();
    under = event.target;
    hovers = event.pointerType !== "touch"; // what was tapped stays :hover until something else is
    if (name === "pointerdown") pressing = true;
  }, { passive: true });
}

// After the click that may follow: a button that is replaced while it is down is never clicked.
for (const name of ["pointerup", "pointercancel"]) {
  document.addEventListener(name, () => setTimeout(() => {
    pressing = false;
    if (owed) release(true);
  }), { passive: true });
}

// Nor does it move: whoever aims at a step must not press another one, because one above it has become smaller. What a
// finger aims at nobody knows before it is there: then the middle of the screen stays where it is.
function holdStill() {
  const aims = hovers ? [under] : [.5, .45, .55].map((at) => document.elementFromPoint(innerWidth / 2, innerHeight * at));
  const id = aims.map((one) => one?.closest?.("[data-version]")?.id).find(Boolean);
  const top = () => id && document.getElementById(id)?.getBoundingClientRect().top;
  const was = top();
  return () => {
    const moved = top() - was;
    if (moved) scrollBy({ top: moved, behavior: "instant" });
  };
}

const FIELDS = "input:not([type=hidden], [type=submit], [type=checkbox], [type=radio]), textarea";

function isAtWork(panel, own) {
  const active = document.activeElement;
  if (panel.contains(active) && active.matches("input, select, textarea, [contenteditable]")) return true;
  if ([...panel.querySelectorAll(FIELDS)].some((field) => field.value !== field.defaultValue)) return true;
  if (panel.querySelector("details.mu-menu[open]")) return true;
  const selection = getSelection();
  if (!selection.isCollapsed && panel.contains(selection.anchorNode)) return true;
  if (own && !(pressing && panel.contains(under))) return false;
  if (panel !== active && panel.contains(active) && active.matches(":focus-visible")) return true;
  return panel.contains(under) && (Date.now() - movedAt < QUIET || (hovers && Boolean(panel.querySelector(":is(a, button, summary):hover"))));
}

function release(own = false) {
  const backInPlace = holdStill();
  for (const [id, fresh] of held) {
    const old = document.getElementById(id);
    if (old && isAtWork(old, own)) continue;
    held.delete(id);
    if (!old) continue;
    const was = old.dataset.say;
    for (const { id: name } of old.querySelectorAll("details[id][open]")) fresh.querySelector(`#${CSS.escape(name)}`)?.setAttribute("open", "");
    const had = old.contains(document.activeElement), step = headingOf(old);
    htmx.swap({ text: fresh.outerHTML, sourceElement: old, target: old, swap: "outerMorph", request: {} }).then(() => {
      if (id === workedIn && Date.now() - workedAt < QUIET && headingOf(document.getElementById(id)) !== step) showStep(id);
      else if (had) keepPlace(id);
    });
    // Who did it knows it already, whichever look brought it.
    const by = fresh.dataset.sayBy, isMine = by === undefined ? own : by === document.documentElement.dataset.reader;
    if (!isMine && fresh.dataset.say && fresh.dataset.say !== was) announce(fresh.dataset.say);
  }
  backInPlace();
  owed = pressing && (own || owed) && held.size > 0;
  if (news) news.hidden = !held.size;
}

// What had the focus is gone: the panel has it now, so that Tab goes on from here and not from the top of the page.
function keepPlace(id) {
  const panel = document.getElementById(id), active = document.activeElement;
  if (!panel || (active !== document.body && active?.checkVisibility())) return;
  panel.tabIndex = -1;
  panel.focus({ preventScroll: true });
}

// One's own key or button has opened another step of a runbook, and by a key one may be anywhere on the page: the step's
// beginning comes into view, and Tab goes on from there. Not from its Done: Enter twice would do a step that nobody read.
// The panel whose button or small form was used last, when something was sent, and how much has no answer yet.
let workedIn = null, workedAt = 0, sending = 0;

const headingOf = (panel) => panel?.querySelector(".mu-run-next h3")?.textContent;

function showStep(id) {
  const panel = document.getElementById(id), step = panel.querySelector(".mu-run-next") ?? panel;
  panel.tabIndex = -1;
  panel.focus({ preventScroll: true });
  step.scrollIntoView({ block: step.offsetHeight > innerHeight / 2 ? "start" : "nearest" });
}

let cameFrom = null;

news?.addEventListener("focusin", (event) => { cameFrom = event.relatedTarget; });
news?.addEventListener("click", () => {
  under = null;
  document.activeElement?.blur();
  getSelection().removeAllRanges();
  release(true);
  if (news.hidden) (cameFrom?.isConnected ? cameFrom : document.getElementById("main"))?.focus({ preventScroll: true });
});
setInterval(() => held.size && release(), 1000);

function announce(text) {
  said.textContent = text;
  said.classList.remove("mu-shown");
}

function tell(text) {
  said.textContent = text;
  said.classList.add("mu-shown");
  clearTimeout(tell.timer);
  tell.timer = setTimeout(() => said.classList.remove("mu-shown"), 6000);
}

// ---- small forms over the page, and buttons that leave it where it is ---------------------------------------------

document.addEventListener("click", (event) => {
  const link = event.target.closest?.("a[data-sheet], a[data-close]");
  if (!link || !window.htmx || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
  if (link.matches("[data-close]")) {
    if (!sheet.contains(link)) return;
    event.preventDefault();
    sheet.close();
    return;
  }
  event.preventDefault();
  workedIn = link.closest("[data-version]")?.id;
  for (const menu of document.querySelectorAll("details.mu-menu[open]")) menu.open = false;
  link.ariaBusy = "true";
  htmx.ajax("GET", link.href, { source: link, target: "#sheet-body", swap: "innerHTML" }).finally(() => { link.ariaBusy = null; });
});

sheetBody.addEventListener("htmx:after:settle", () => {
  if (!sheet.open) sheet.showModal();
  (sheetBody.querySelector("[aria-invalid='true'], [autofocus]") ?? sheetBody.querySelector("form input:not([type=hidden]), form textarea, form select, form button, a"))?.focus();
});
sheet.addEventListener("close", () => sheetBody.replaceChildren());

// The second click of a double click may meet the next stage's button, in the place of the one that was meant.
document.addEventListener("click", (event) => {
  if (event.detail > 1 && event.target.closest?.("#workspace button")) event.preventDefault();
}, true);

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post" || form.dataset.plain !== undefined || !window.htmx) return;
  if (!form.closest("#workspace, #sheet-body")) return;
  event.preventDefault();
  if (form.dataset.busy) return;
  form.dataset.busy = "1";
  workedAt = Date.now();
  sending += 1;
  if (!sheet.contains(form)) workedIn = form.closest("[data-version]")?.id;
  const action = event.submitter?.getAttribute("formaction") ?? form.getAttribute("action");
  const page = document.getElementById("workspace");
  htmx.ajax("POST", action, { source: form, event, target: "#sheet-body", swap: "innerHTML" }).finally(() => {
    delete form.dataset.busy;
    sending -= 1;
    if (page && !page.isConnected) giveWay();
  });
}, true);

// What was answered has taken the page's place (403_csrf.html): nothing may lie over it.
function giveWay() {
  sheet.close();
  document.getElementById("main").focus();
}

document.addEventListener("muster:done", (event) => {
  const form = event.target.closest?.("form"); // it may have gone meanwhile: then this is the document
  if (form?.dataset.resets !== undefined) form.reset();
  for (const menu of document.querySelectorAll("#workspace details[open].mu-menu, #workspace details[open].mu-when")) menu.open = false;
  if (sheet.open) sheet.close();
  tell(event.detail.said);
  look(true);
});

document.addEventListener("htmx:error", (event) => {
  if (event.target !== live && event.target.closest?.("#workspace, #sheet-body")) tell("Not sent: no connection. What you wrote is still here.");
});
document.addEventListener("htmx:response:error", (event) => {
  if (event.target !== live && event.detail.ctx?.response?.status === 409) look(true);
});

// htmx starts as soon as it is loaded: the stream may have been there before this module, or not be asked for at all,
// because the extension came too late.
if (live._htmx?.sse?.status) {
  connection = live._htmx.sse;
  fire("resync");
}
const connect = () => setTimeout(() => live._htmx || htmx.process(live), 50);
if (document.readyState === "complete") connect();
else addEventListener("load", connect);
