// Muster in the browser: clocks that tick, the theme, keys, menus, and no double submits.
// Every page works without this file; it never builds content, it only moves what the server sent.

const root = document.documentElement;

function stored(name, value) {
  try {
    if (value === undefined) return localStorage.getItem(name);
    if (value === null) localStorage.removeItem(name);
    else localStorage.setItem(name, value);
  } catch {
    // Storage is refused: the choice lasts for this page.
  }
  return value ?? null;
}

// ---- clocks -----------------------------------------------------------------------------------------------
// <time data-since="ISO"> counts up, <time data-due="ISO" data-soon="seconds"> counts down and then says overdue.
// The words are those of core/durations.py, so that nothing jumps when the first tick comes; change both together.

const MINUTE = 60, HOUR = 3600, DAY = 86400, SOON = 15 * MINUTE;

// The server's clock minus ours, from the page's own time stamp; a page out of the cache keeps the last figure. Not by
// performance.timeOrigin, which lags behind Date.now() by as long as the machine has slept since the browser was started.
function clockSkew() {
  const [load] = performance.getEntriesByType("navigation");
  const fresh = load && load.type !== "back_forward" && load.transferSize > 0 && root.dataset.now;
  try {
    if (fresh) sessionStorage.setItem("muster-skew", root.dataset.now * 1000 - (Date.now() - performance.now() + load.responseStart));
    const skew = Number(sessionStorage.getItem("muster-skew"));
    return Math.abs(skew) > 2000 ? skew : 0;
  } catch {
    return 0;
  }
}

const two = (n) => String(n).padStart(2, "0");

function length(seconds, pad = true) {
  if (seconds < HOUR) return `${pad ? two(Math.floor(seconds / MINUTE)) : Math.floor(seconds / MINUTE)}:${two(seconds % MINUTE)}`;
  if (seconds < DAY) return `${Math.floor(seconds / HOUR)} h ${two(Math.floor((seconds % HOUR) / MINUTE))} min`;
  return `${Math.floor(seconds / DAY)} d ${Math.floor((seconds % DAY) / HOUR)} h`;
}

function say(element, text) {
  const last = element.lastChild;
  if (last?.nodeType === Node.TEXT_NODE) {
    if (last.data !== text) last.data = text;
  } else {
    element.append(text);
  }
}

function tick() {
  const now = Date.now() + skew;
  for (const clock of document.querySelectorAll("time.mu-tick")) {
    if (clock.dataset.since) {
      say(clock, length(Math.max(0, Math.floor((now - Date.parse(clock.dataset.since)) / 1000))));
    } else if (clock.dataset.due) {
      const left = Math.ceil((Date.parse(clock.dataset.due) - now) / 1000);
      say(clock, left >= 0 ? `due in ${length(left)}` : `overdue ${length(-left, false)}`);
      clock.classList.toggle("mu-overdue", left < 0);
      clock.classList.toggle("mu-soon", left >= 0 && left <= Number(clock.dataset.soon ?? SOON));
    }
  }
}

const skew = clockSkew();
if (document.querySelector("time.mu-tick")) tick();
setInterval(tick, 1000);
document.addEventListener("visibilitychange", () => document.hidden || tick());

// ---- theme and the switch for single-key shortcuts -----------------------------------------------------------

for (const choice of document.querySelectorAll("input[name='mu-theme']")) {
  choice.checked = choice.value === (stored("muster-theme") ?? "system");
  choice.addEventListener("change", () => {
    if (choice.value === "system") delete root.dataset.theme;
    else root.dataset.theme = choice.value;
    stored("muster-theme", choice.value === "system" ? null : choice.value);
  });
}

for (const box of document.querySelectorAll("[data-keys-switch]")) {
  box.checked = stored("muster-keys") !== "off";
  box.addEventListener("change", () => {
    root.classList.toggle("mu-keys-off", !box.checked);
    stored("muster-keys", box.checked ? null : "off");
  });
}

// ---- menus: one open at a time, closed by Escape and by a click or a Tab outside -------------------------------

const openMenus = () => document.querySelectorAll("details.mu-menu[open]");

function closeMenus(except) {
  for (const menu of openMenus()) if (!menu.contains(except)) menu.open = false;
}

document.addEventListener("click", (event) => closeMenus(event.target));
document.addEventListener("focusin", (event) => closeMenus(event.target));

// ---- keys ------------------------------------------------------------------------------------------------------
// Anything with data-key="c" (or "g i" for two keys) is followed, pressed or focused by that key.

let first = "";
let firstAt = 0;

function press(target) {
  if (target.matches("input, select, textarea")) {
    target.focus();
    target.select?.();
  } else {
    if (target.matches("summary")) target.focus();
    target.click();
  }
}

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") {
    const [menu] = [...openMenus()].slice(-1);
    if (menu) {
      event.preventDefault(); // it was meant for the menu, and for nothing else that listens
      menu.open = false;
      menu.querySelector("summary").focus();
    }
    return;
  }
  const field = event.target.closest?.("input:not([type=checkbox], [type=radio]), select, textarea, [contenteditable]");
  const typing = field?.checkVisibility(); // a field of a sheet that has just closed has the focus for a moment more
  if (event.ctrlKey && event.key === "Enter" && event.target.matches?.("textarea")) {
    event.target.form?.requestSubmit();
    return;
  }
  const modified = event.ctrlKey || event.metaKey || event.altKey;
  if (event.defaultPrevented || event.isComposing || event.repeat || typing || modified) return;
  if (root.classList.contains("mu-keys-off") || document.querySelector("dialog[open]")) return;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const names = event.timeStamp - firstAt < 1500 && first ? [`${first} ${key}`, key] : [key];
  first = key;
  firstAt = event.timeStamp;
  for (const name of names) {
    const found = [...document.querySelectorAll(`[data-key="${CSS.escape(name)}"]`)];
    const target = found.find((one) => one.checkVisibility?.() ?? true) ?? found.find((one) => one.matches("a[href], button"));
    if (target) {
      event.preventDefault();
      first = "";
      press(target);
      return;
    }
  }
});

// ---- buttons ---------------------------------------------------------------------------------------------------

document.addEventListener("click", async (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  if (button.dataset.dialog) {
    closeMenus();
    document.getElementById(button.dataset.dialog)?.showModal();
  } else if (button.dataset.dismiss !== undefined) {
    button.closest(".mu-notice").remove();
  } else if (button.dataset.copy) {
    const source = document.getElementById(button.dataset.copy);
    const label = button.querySelector("[data-label]") ?? button;
    const was = label.textContent;
    try {
      await navigator.clipboard.writeText(source.innerText.trim());
      label.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(source);
      label.textContent = "Selected, now copy";
    }
    setTimeout(() => { label.textContent = was; }, 2500);
  }
});

for (const dialog of document.querySelectorAll("dialog")) {
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
}

// A form is sent once. Its buttons say that they are busy instead of losing focus and value to the disabled
// attribute; they come back if the page is shown again or nothing answered.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || form.method !== "post") return;
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  form.dataset.sent = "1";
  setTimeout(() => hold(form, true));
  setTimeout(() => hold(form, false), 10_000);
});

function hold(form, busy) {
  if (!busy) delete form.dataset.sent;
  for (const element of form.elements) {
    if (element.matches("button:not([type]), [type=submit]")) {
      element.ariaDisabled = element.ariaBusy = busy ? "true" : null;
    }
  }
}

// A form that came back takes the reader to what is wrong, if the page has not done so itself.
if (!document.querySelector("[autofocus]")) document.querySelector("main [aria-invalid='true']")?.focus();

addEventListener("pageshow", () => {
  for (const form of document.forms) hold(form, false);
});

// On paper stands when it was printed, in the words and the zone that the server wrote when the page was made.
addEventListener("beforeprint", () => {
  for (const time of document.querySelectorAll("[data-printed]")) {
    const format = { weekday: "short", day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false, timeZoneName: "short" };
    try {
      time.textContent = new Intl.DateTimeFormat("en-GB", { ...format, timeZone: time.dataset.printed }).format(new Date(Date.now() + skew));
    } catch {
      // An unknown zone: the time the page was made stays.
    }
  }
});
