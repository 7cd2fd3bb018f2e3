// The editor of a postmortem: saves by itself, shows how it reads, and puts what others wrote where nobody is typing.
// Every word on the page was written by the server; this only moves it. Without it each section is a form with buttons.

const AUTOSAVE = 1500, LATEST = 8000, PREVIEW = 400, RETRY = 5000, PATIENCE = 15_000;
const desk = document.getElementById("desk"), saidAloud = document.getElementById("desk-said");
const states = new Map();

const sections = () => [...desk.querySelectorAll("[data-section]")];
const part = (section, name) => section.querySelector(`[data-part="${name}"]`);
const fieldOf = (section) => section.querySelector("textarea[name=body]");
const baseOf = (section) => section.querySelector("input[name=base]");
const isUnsaved = (section) => fieldOf(section).value !== fieldOf(section).defaultValue;

function stateOf(section) {
  const key = section.dataset.section;
  if (!states.has(key)) states.set(key, { saving: false, again: false, theirs: null, lost: new Set(), save: 0, since: 0, retry: 0, look: 0, preview: null });
  return states.get(key);
}

function say(section, text) {
  if (part(section, "said").textContent === text) return;
  part(section, "said").textContent = text;
  if (text && text !== "Saving…") saidAloud.textContent = `${section.querySelector("h2").textContent}: ${text}`;
}

function post(section, address, more = {}, options = {}) {
  const data = new URLSearchParams(new FormData(section.querySelector("form")));
  for (const [name, value] of Object.entries(more)) data.set(name, value);
  return fetch(address, { method: "POST", body: data, headers: { "HX-Request": "true" }, ...options });
}

async function partsOf(response) {
  const fresh = new DOMParser().parseFromString(await response.text(), "text/html");
  const head = fresh.getElementById("desk-head");
  if (head) takeHead(head);
  return fresh.querySelector("[data-section]");
}

function takeHead(fresh) {
  const head = document.getElementById("desk-head");
  if (head.dataset.version !== fresh.dataset.version && !head.contains(document.activeElement)) head.replaceWith(fresh);
}

// Drafts (drafts.js) hear of what is in a field by this event: what has been saved is not kept in the tab any more.
function settle(section) {
  fieldOf(section).dispatchEvent(new CustomEvent("input", { bubbles: true, detail: "settled" }));
}

// ---- saving ------------------------------------------------------------------------------------------------------

async function save(section, { keepalive = false, isAsked = false } = {}) {
  const state = stateOf(section), field = fieldOf(section);
  clearTimeout(state.save);
  clearTimeout(state.retry);
  if (state.theirs !== null) return;
  if (state.saving) {
    state.again = true;
    return;
  }
  if (!isUnsaved(section)) {
    if (isAsked) say(section, "Saved");
    return;
  }
  const sent = field.value;
  state.saving = true;
  state.since = 0;
  say(section, "Saving…");
  let retry = false;
  try {
    const response = await post(section, section.querySelector("form").action, {}, { keepalive, signal: AbortSignal.timeout(PATIENCE) });
    if (response.redirected || response.status === 401) {
      document.dispatchEvent(new CustomEvent("muster:signed-out"));
      say(section, "Not saved: you are signed out");
    } else if (response.status === 403) {
      say(section, "Not saved: reload the page. What you wrote stays here");
    } else if (response.status >= 500) {
      retry = true;
      say(section, "Not saved: the server has no answer. Trying again");
    } else {
      answered(section, await partsOf(response), response.status, sent);
    }
  } catch {
    // It may have arrived all the same: then the next answer says that these words are there already.
    state.lost.add(sent);
    retry = true;
    say(section, "Not saved: no connection. Trying again");
  }
  state.saving = false;
  if (retry) state.retry = setTimeout(() => save(section), RETRY);
  else if (state.again) save(section);
  state.again = false;
}

function answered(section, fresh, status, sent) {
  const state = stateOf(section), field = fieldOf(section), base = baseOf(section);
  if (!fresh) return say(section, "Not saved: reload the page. What you wrote stays here");
  const theirs = baseOf(fresh).value, isConflict = Boolean(fresh.querySelector("[data-choice]"));
  if (isConflict && state.lost.has(theirs)) {
    base.value = theirs;
    state.lost.clear();
    state.again = true;
    return;
  }
  if (status === 200) {
    state.lost.clear();
    const changes = JSON.parse(fresh.dataset.changes || "[]");
    merge(section, changes, sent);
    if (!isUnsaved(section)) showPreview(section, part(fresh, "preview"));
    else later(section);
    if (!changes.length || !isUnsaved(section)) section.dataset.version = fresh.dataset.version;
  } else if (isConflict) {
    state.theirs = theirs;
  }
  for (const name of ["head", "conflict"]) part(section, name).replaceChildren(...part(fresh, name).childNodes);
  field.ariaInvalid = status === 422 ? "true" : null;
  say(section, fresh.dataset.said);
  if (isConflict && !field.matches(":focus")) part(section, "conflict").querySelector("[role=alert]").focus();
}

// The server has saved what was sent, with others' changes in it. Into the field these go only where the person has not
// typed on meanwhile; otherwise what was sent is what the next save begins with, and that merges again.
function merge(section, changes, sent) {
  const field = fieldOf(section), base = baseOf(section);
  const isSame = field.value === sent;
  if (isSame) for (const [start, end, text] of changes.toReversed()) field.setRangeText(text, start, end, "preserve");
  base.value = isSame ? field.value : sent;
  field.defaultValue = base.value;
  settle(section);
}

// A while after the last letter; whoever never pauses is not kept waiting for ever.
function later(section) {
  const state = stateOf(section);
  clearTimeout(state.save);
  state.since ||= Date.now();
  state.save = setTimeout(() => save(section), Math.max(0, Math.min(AUTOSAVE, state.since + LATEST - Date.now())));
}

// ---- how it reads ------------------------------------------------------------------------------------------------

function showPreview(section, fresh) {
  part(section, "preview").replaceChildren(...fresh.childNodes);
}

async function preview(section) {
  const state = stateOf(section);
  state.preview?.abort();
  state.preview = new AbortController();
  const { signal } = state.preview;
  try {
    const address = section.querySelector("[formaction]").formAction;
    const response = await post(section, address, {}, { signal });
    if (!response.ok || response.redirected) return;
    const fresh = new DOMParser().parseFromString(await response.text(), "text/html");
    if (!signal.aborted) showPreview(section, fresh.body);
  } catch {
    // The next letter asks again.
  }
}

// ---- when two wrote the same words -----------------------------------------------------------------------------------

async function choose(section, choice) {
  const state = stateOf(section), field = fieldOf(section), { theirs } = state;
  if (theirs === null) return;
  if (choice === "together") {
    const fresh = await post(section, section.querySelector("form").action, { together: "1" }).then((one) => one.ok && partsOf(one)).catch(() => null);
    if (!fresh) return say(section, "Not saved: no connection");
    field.value = fieldOf(fresh).value;
    baseOf(section).value = baseOf(fresh).value;
    field.defaultValue = baseOf(fresh).value;
  } else {
    if (choice === "theirs") field.value = theirs;
    baseOf(section).value = theirs;
    field.defaultValue = theirs;
  }
  state.theirs = null;
  part(section, "conflict").replaceChildren();
  settle(section);
  preview(section);
  field.focus();
  if (choice === "mine") save(section);
  else say(section, choice === "theirs" ? "Theirs stands, yours is gone" : "Both texts, not saved yet");
}

// ---- what others wrote -----------------------------------------------------------------------------------------------

function isAtWork(section) {
  const state = stateOf(section);
  return state.saving || state.theirs !== null || isUnsaved(section) || fieldOf(section).matches(":focus");
}

function take(section, fresh) {
  const field = fieldOf(section), isSameText = baseOf(fresh).value === baseOf(section).value;
  if (isAtWork(section) && !isSameText) {
    if (!stateOf(section).saving && stateOf(section).theirs === null) say(section, "Somebody else has written here; it is merged when you save");
    return;
  }
  if (!isSameText) {
    field.defaultValue = fieldOf(fresh).value;
    field.value = field.defaultValue;
    baseOf(section).value = baseOf(fresh).value;
    settle(section);
    say(section, "");
  }
  part(section, "head").replaceChildren(...part(fresh, "head").childNodes);
  if (isUnsaved(section)) preview(section);
  else showPreview(section, part(fresh, "preview"));
  section.dataset.version = fresh.dataset.version;
}

desk.addEventListener("muster:fresh", (event) => {
  event.preventDefault();
  const head = event.detail.getElementById("desk-head");
  if (head) takeHead(head);
  for (const fresh of event.detail.querySelectorAll("[data-section]")) {
    const section = document.getElementById(fresh.id);
    if (section && section.dataset.version !== fresh.dataset.version) take(section, fresh);
  }
});

// ---- hands -----------------------------------------------------------------------------------------------------------

desk.addEventListener("input", (event) => {
  const section = event.target.closest("[data-section]");
  if (!section || event.detail === "settled") return;
  const state = stateOf(section);
  clearTimeout(state.look);
  state.look = setTimeout(() => preview(section), PREVIEW);
  if (isUnsaved(section)) later(section);
});

desk.addEventListener("focusout", (event) => {
  const section = event.target.matches("textarea") && event.target.closest("[data-section]");
  if (!section) return;
  if (isUnsaved(section)) save(section);
  else document.getElementById("live")?.dispatchEvent(new CustomEvent("changed", { detail: {} }));
});

desk.addEventListener("submit", (event) => {
  const section = event.target.closest("[data-section]");
  event.preventDefault();
  if (event.submitter?.dataset.choice) choose(section, event.submitter.dataset.choice);
  else save(section, { isAsked: true });
});

desk.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-choice]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  choose(link.closest("[data-section]"), link.dataset.choice);
});

document.addEventListener("visibilitychange", () => {
  if (document.hidden) for (const section of sections()) save(section, { keepalive: true });
});
addEventListener("online", () => sections().forEach((section) => save(section)));

// What a tab that was reloaded had not sent yet is in its field again (drafts.js), as is what came back unsaved.
for (const section of sections()) {
  const field = fieldOf(section), typed = field.value;
  if (typed !== baseOf(section).value) {
    field.defaultValue = baseOf(section).value;
    field.value = typed;
  }
  if (section.querySelector("[data-choice]")) stateOf(section).theirs = baseOf(section).value;
  if (!isUnsaved(section)) continue;
  preview(section);
  later(section);
}
