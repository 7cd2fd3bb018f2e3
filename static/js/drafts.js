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

// The page before has sent some, and this page is its answer: they have arrived, unless it is an error.
const [load] = performance.getEntriesByType("navigation");
const arrived = Boolean(reader) && load?.type === "navigate" && !(load.responseStatus >= 400);
if (arrived) guarded((storage) => each(storage, (key, draft) => (draft.sent || !(Date.now() - draft.at < DAY)) && storage.removeItem(key)));

// Only into a field that is as it was when the draft was begun: what others have written since is never taken back.
function restore(field) {
  const draft = guarded((storage) => read(storage, keyOf(field)));
  if (!draft || field.value !== field.defaultValue || draft.was !== field.defaultValue || draft.text === field.value) return;
  field.value = draft.text;
  field.dispatchEvent(new Event("input", { bubbles: true }));
}

if (reader) {
  document.querySelectorAll(FIELDS).forEach(restore);

  document.addEventListener("input", ({ target }) => {
    if (!target.matches?.(FIELDS)) return;
    const draft = { text: target.value, was: target.defaultValue, at: Date.now() };
    guarded((storage) => (draft.text === draft.was ? storage.removeItem(keyOf(target)) : storage.setItem(keyOf(target), JSON.stringify(draft))));
  });

  document.addEventListener("submit", ({ target }) => guarded((storage) => {
    if (target.matches("[action$='/logout/']")) return each(storage, (key) => storage.removeItem(key));
    for (const field of target.querySelectorAll(FIELDS)) {
      const draft = read(storage, keyOf(field));
      if (draft) storage.setItem(keyOf(field), JSON.stringify({ ...draft, sent: true }));
    }
  }), true);

  document.addEventListener("htmx:after:request", ({ detail: { ctx } }) => guarded((storage) => {
    if (ctx.request.method === "GET") return;
    for (const field of ctx.sourceElement?.querySelectorAll?.(FIELDS) ?? []) {
      const draft = read(storage, keyOf(field));
      if (!draft || ctx.hx?.redirect) continue;
      if (ctx.response.status < 400) storage.removeItem(keyOf(field));
      else storage.setItem(keyOf(field), JSON.stringify({ ...draft, sent: false }));
    }
  }));
}

// Somebody was signed out while they looked at a page: it says so, and leaves alone what they are writing.
document.addEventListener("muster:signed-out", () => {
  const notice = document.getElementById("signed-out");
  if (notice) notice.hidden = false;
});
