// The incident list: what is ticked, a cursor for the keyboard, filters that apply at once, and news that move nothing
// under a person's hands. Everything it does, a link or a form of the page does too.

const QUIET = 10_000, LINGER = 60_000, ARROWS = 600, MARKED = 8000;
const root = document.documentElement;
const list = () => document.getElementById("incidents");
const rowsOf = (part) => [...part.querySelectorAll("tbody tr[data-v]")];
const boxes = () => [...list().querySelectorAll("tbody .mu-check input")];
const ticked = () => boxes().filter((box) => box.checked);

function say(text, isShown = false) {
  const said = document.getElementById("said");
  if (!said) return;
  said.textContent = text;
  said.classList.toggle("mu-shown", isShown);
  clearTimeout(say.timer);
  say.timer = setTimeout(() => said.classList.remove("mu-shown"), 6000);
}

// ---- ticking -----------------------------------------------------------------------------------------------------

let lastBox = null;

function showTicked() {
  const count = ticked().length, all = list().querySelector("[data-list='all']"), words = document.getElementById("selected");
  if (words) words.textContent = `${count} selected`;
  if (!all) return;
  all.checked = count > 0 && count === boxes().length;
  all.indeterminate = count > 0 && !all.checked;
}

function tick(some, is = true) {
  for (const box of some) box.checked = is;
  showTicked();
}

document.addEventListener("change", (event) => {
  if (event.target.matches?.("[data-list='all']")) tick(boxes(), event.target.checked);
  else if (event.target.matches?.("#incidents .mu-check input")) showTicked();
});

document.addEventListener("click", (event) => {
  if (event.target.closest?.("[data-list='clear']")) tick(boxes(), false);
  const box = event.target.closest?.("#incidents tbody .mu-check input");
  if (!box) return;
  if (event.shiftKey && lastBox?.isConnected) {
    const all = boxes(), ends = [all.indexOf(lastBox), all.indexOf(box)].sort((a, b) => a - b);
    tick(all.slice(ends[0], ends[1] + 1), box.checked);
  }
  lastBox = box;
});

// ---- keys --------------------------------------------------------------------------------------------------------

let here = { id: "", at: -1 };

document.addEventListener("focusin", (event) => {
  const row = event.target.closest?.("#incidents tbody tr[data-v]");
  if (row) here = { id: row.id, at: rowsOf(list()).indexOf(row) };
});

const current = () => document.activeElement?.closest("#incidents tbody tr[data-v]");

function move(step) {
  const all = rowsOf(list());
  const known = all.findIndex((row) => row.id === here.id);
  const from = known >= 0 ? known : here.at >= 0 ? here.at - (step > 0 ? 1 : 0) : step > 0 ? -1 : all.length;
  all[Math.min(Math.max(from + step, 0), all.length - 1)]?.querySelector(".mu-title").focus();
}

function acknowledge() {
  if (!document.getElementById("bulk")) return;
  if (ticked().length) return document.getElementById("bulk").requestSubmit();
  const row = current(), button = row?.querySelector(".c-act button");
  if (button) return button.click();
  if (row) return say(`INC-${row.id.slice(4)} does not wait for an answer.`, true);
  say("Go to an incident with J and K first.", true);
}

const KEYS = {
  j: () => move(1),
  k: () => move(-1),
  x: () => current() && tick([current().querySelector(".mu-check input")].filter(Boolean), !current().querySelector(".mu-check input")?.checked),
  X: () => tick(rowsOf(list()).filter((row) => row.querySelector(".c-act")).map((row) => row.querySelector(".mu-check input"))),
  a: acknowledge,
};

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
  if (document.querySelector("dialog[open]") || !list()) return;
  const arrow = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (arrow && event.target.closest?.("#incidents tbody tr[data-v]")) {
    event.preventDefault();
    move(arrow);
    return;
  }
  if (event.key === "Escape" && ticked().length && !document.querySelector("details.mu-menu[open]")) tick(boxes(), false);
  const typing = event.target.closest?.("input:not([type=checkbox], [type=radio]), select, textarea, [contenteditable]");
  if (typing || root.classList.contains("mu-keys-off")) return;
  const key = event.shiftKey ? event.key.toUpperCase() : event.key.toLowerCase();
  if (!Object.hasOwn(KEYS, key) || (event.repeat && !"jk".includes(key))) return;
  event.preventDefault();
  KEYS[key]();
});

// ---- filters -----------------------------------------------------------------------------------------------------
// A choice applies at once, but for arrow keys that only pass over it; on a phone several are chosen, then shown.

const FOCUS = "muster-list-focus";
let byKey = 0, applying = 0;

document.addEventListener("keydown", (event) => { if (event.target.matches?.("#filters select")) byKey = Date.now(); }, true);

document.addEventListener("change", (event) => {
  const field = event.target;
  if (!field.matches?.("#filters select, #filters [type=checkbox]") || field.form.querySelector(".mu-toggle")?.checkVisibility()) return;
  clearTimeout(applying);
  applying = setTimeout(() => field.form.requestSubmit(), Date.now() - byKey < 200 ? ARROWS : 0);
});

document.addEventListener("submit", (event) => {
  if (event.target.id !== "filters") return;
  try {
    sessionStorage.setItem(FOCUS, document.activeElement?.id ?? "");
  } catch {
    // Storage is refused: the focus starts at the top.
  }
});

document.addEventListener("formdata", (event) => {
  if (event.target.id !== "filters") return;
  for (const [name, value] of [...event.formData]) if (value === "") event.formData.delete(name);
});

function comeBack() {
  try {
    const id = sessionStorage.getItem(FOCUS);
    sessionStorage.removeItem(FOCUS);
    if (id && document.activeElement === document.body) document.getElementById(id)?.focus({ preventScroll: true });
  } catch {
    // As above.
  }
}

// ---- news --------------------------------------------------------------------------------------------------------
// static/js/live.js asks for the list again and hands over what came. What a row says is put in its place at once; rows
// that would come, go or move wait behind the pill while somebody is at work on the list.

let news = null, touchedAt = 0, said = "";

for (const name of ["pointermove", "pointerdown", "keydown", "focusin", "wheel", "touchmove"]) {
  document.addEventListener(name, (event) => { if (event.target.closest?.("#incidents")) touchedAt = Date.now(); }, { passive: true });
}
addEventListener("scroll", () => { touchedAt = Date.now(); }, { passive: true });

function isAtWork() {
  if (ticked().length || document.querySelector("main details.mu-menu[open]")) return true;
  const body = list().querySelector("tbody");
  const inside = body?.contains(document.activeElement) || body?.matches(":hover");
  return Date.now() - touchedAt < (inside ? LINGER : QUIET);
}

function put(old, fresh) {
  return htmx.swap({ text: fresh.outerHTML, sourceElement: old, target: old, swap: "outerMorph", request: {} });
}

document.addEventListener("muster:fresh", (event) => {
  if (event.target !== list()) return;
  event.preventDefault();
  const fresh = event.detail;
  news = fresh.getElementById("incidents");
  list().dataset.version = news.dataset.version;
  const waiting = news.dataset.waiting;
  document.title = (waiting ? `(${waiting}) ` : "") + document.title.replace(/^\(.*?\) /, "");
  for (const id of ["list-summary", "list-tabs"]) put(document.getElementById(id), fresh.getElementById(id));
  for (const row of rowsOf(list())) renew(row, fresh.getElementById(row.id));
  settle();
});

// A row keeps its height for now, so that nothing below it jumps when its button goes.
function renew(row, fresh) {
  row.classList.toggle("mu-gone", !fresh);
  if (!fresh || fresh.dataset.v === row.dataset.v) return;
  const { height } = row.getBoundingClientRect();
  put(row, fresh);
  if (row.getBoundingClientRect().height < height) row.style.height = `${height}px`;
}

function settle() {
  if (!news) return;
  const shown = rowsOf(list()).map((row) => row.id), coming = rowsOf(news).map((row) => row.id);
  const fresh = coming.filter((id) => !shown.includes(id)), stay = coming.filter((id) => shown.includes(id));
  const other = shown.length - stay.length + shown.filter((id) => stay.includes(id)).filter((id, at) => id !== stay[at]).length;
  const label = fresh.length ? `${fresh.length} new` : other ? `${other} changed` : "";
  if (fresh.length && label !== said) say(`${fresh.length} new incident${fresh.length > 1 ? "s" : ""}`);
  said = label;
  if (!isAtWork()) return apply(fresh);
  const pill = document.getElementById("list-new");
  pill.textContent = label;
  pill.hidden = !label;
}

async function apply(fresh) {
  const next = news, focused = document.activeElement, row = current()?.id;
  const kind = [".mu-title", ".mu-check input", ".c-act button"].find((one) => focused?.matches(one));
  news = null;
  said = "";
  await put(list(), next);
  if (row && kind && !current()) {
    const left = rowsOf(list()), place = document.getElementById(row) ?? left[Math.min(here.at, left.length - 1)];
    (place?.querySelector(kind) ?? place?.querySelector(".mu-title"))?.focus({ preventScroll: true });
  }
  for (const id of fresh) mark(document.getElementById(id));
  look();
}

function mark(row) {
  row?.classList.add("mu-fresh");
  setTimeout(() => row?.classList.remove("mu-fresh"), MARKED);
}

document.addEventListener("click", (event) => {
  const pill = event.target.closest?.("#list-new");
  if (!pill || !news) return;
  const shown = new Set(rowsOf(list()).map((row) => row.id));
  const fresh = rowsOf(news).map((row) => row.id).filter((id) => !shown.has(id));
  const isByKey = document.activeElement === pill;
  apply(fresh).then(() => isByKey && document.querySelector(`#${fresh[0] ?? "incidents tbody tr"} .mu-title`)?.focus());
});

setInterval(() => news && settle(), 1000);

// What is on the page now: the next question names its rows, so that those that leave the view can say why.
function look() {
  const address = new URL(list().dataset.live, location.href);
  address.searchParams.delete("shown");
  const shown = rowsOf(list()).map((row) => row.id.slice(4)).join(",");
  list().dataset.live = `${address.pathname}${address.search}${shown ? `${address.search ? "&" : "?"}shown=${shown}` : ""}`;
  showTicked();
}

look();
comeBack();
addEventListener("pageshow", showTicked);
