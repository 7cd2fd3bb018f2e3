// What is being written stays in this tab until it is sent: a crash, a reload or a wrong click loses nothing. Every
// textarea, and inputs that ask for it with data-draft. Where storage is refused nothing of this happens.

const PREFIX = "muster-draft ", DAY = 24 * 3600 * 1000;
const reader = document.documentElement.dataset.reader ?? "";
const FIELDS = "textarea[name], input[name][data-draft]";

function guarded(work) {
  try {
    return work(sessionStorage);
  } catch {
    return undefined;
  }
}

const keyOf = (field) => `${PREFIX}${reader} ${location.pathname} ${field.form?.getAttribute("action") ?? ""} ${field.id || field.name}`;
const read = (storage, key) => JSON.parse(storage.getItem(key) ?? "null");

function each(storage, work) {
  for (const key of Object.keys(storage)) if (key.startsWith(PREFIX)) work(key, read(storage, key) ?? {});
}

// The page before has sent some, and this page is where the answer led: they have arrived. So has what this page gives
// back itself (kept_form.html). What was answered with the form once more, with a question or not at all stays.
const SOON = 5000;
const [load] = performance.getEntriesByType("navigation");
const begunAt = Date.now() - performance.now();
const given = new Set([...document.querySelectorAll("form:has(> [name=kept_form]) > [type=hidden]")].map((field) => field.value));
const isLed = load?.type === "navigate" && load.redirectCount > 0;
const hasArrived = (draft) => Boolean(draft.sentAt) && ((isLed && Math.abs(begunAt - draft.sentAt) < SOON) || given.has(draft.text));
if (reader) guarded((storage) => each(storage, (key, draft) => (hasArrived(draft) || !(Date.now() - draft.at < DAY)) && storage.removeItem(key)));

// A field may say what its text began with, for the server to merge (data-base names that field).
const baseOf = (field) => field.dataset.base ? document.getElementById(field.dataset.base) : null;
const begunWith = (field) => baseOf(field)?.value ?? field.defaultValue;

// Only into a field that is as it was when the draft was begun: what others have written since is never taken back.
function restore(field) {
  const draft = guarded((storage) => read(storage, keyOf(field)));
  if (!draft || field.value !== field.defaultValue || draft.text === field.value) return;
  if (draft.was !== begunWith(field)) {
    if (!baseOf(field)) return;
    baseOf(field).value = draft.was;
  }
  field.value = draft.text;
  field.dispatchEvent(new Event("input", { bubbles: true }));
}

if (reader) {
  document.querySelectorAll(FIELDS).forEach(restore);
  document.addEventListener("htmx:after:settle", ({ target }) => target.querySelectorAll?.(FIELDS).forEach(restore));

  document.addEventListener("input", ({ target }) => {
    if (!target.matches?.(FIELDS)) return;
    const draft = { text: target.value, was: begunWith(target), at: Date.now() };
    guarded((storage) => (target.value === target.defaultValue ? storage.removeItem(keyOf(target)) : storage.setItem(keyOf(target), JSON.stringify(draft))));
  });

  // A question before it is done (declare_confirm.html) carries on what its page was sent.
  document.addEventListener("submit", ({ target }) => guarded((storage) => {
    if (target.matches("[action$='/logout/']")) return each(storage, (key) => storage.removeItem(key));
    if (target.method !== "post") return;
    const theirs = new Set([...target.querySelectorAll(FIELDS)].map(keyOf)), ofPage = `${PREFIX}${reader} ${location.pathname} `;
    each(storage, (key, draft) => {
      if (theirs.has(key) || (draft.sentAt && key.startsWith(ofPage))) storage.setItem(key, JSON.stringify({ ...draft, sentAt: Date.now() }));
    });
  }), true);

  document.addEventListener("htmx:after:request", ({ detail: { ctx } }) => guarded((storage) => {
    if (ctx.request.method === "GET") return;
    for (const field of ctx.sourceElement?.querySelectorAll?.(FIELDS) ?? []) {
      const draft = read(storage, keyOf(field));
      if (!draft || (ctx.hx?.redirect && ctx.response.status === 200)) continue; // to sign in first
      if (ctx.response.status < 400) storage.removeItem(keyOf(field));
      else storage.setItem(keyOf(field), JSON.stringify({ ...draft, sentAt: 0 }));
    }
  }));

  // "Cancel" throws away; Escape and a click on the cross only put away.
  document.addEventListener("click", ({ target }) => guarded((storage) => {
    for (const field of target.closest?.("a[data-close]")?.closest("form")?.querySelectorAll(FIELDS) ?? []) storage.removeItem(keyOf(field));
  }));
}

// Somebody was signed out while they looked at a page: it says so, and leaves alone what they are writing.
document.addEventListener("muster:signed-out", () => {
  const notice = document.getElementById("signed-out");
  if (notice) notice.hidden = false;
});
