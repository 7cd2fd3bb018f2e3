// The search box: answers show below it while somebody types (htmx fetches them), and can be chosen with the arrow
// keys. Without this file the box is a form. The pattern is the ARIA combobox with a list that only suggests.

const form = document.querySelector("form[data-search]");
const input = form?.querySelector("input[type=search]");
const panel = document.getElementById("search-answers");
const said = document.getElementById("search-said");

if (form && input && panel) {
  input.setAttribute("role", "combobox");
  input.setAttribute("aria-autocomplete", "list");
  input.setAttribute("aria-expanded", "false");
  input.setAttribute("aria-haspopup", "listbox");

  let active = null, isDismissed = false;

  const options = () => [...panel.querySelectorAll("[role=option]")];
  const isOpen = () => !panel.hidden;

  function mark(option) {
    active?.setAttribute("aria-selected", "false");
    active = option ?? null;
    if (active) {
      active.setAttribute("aria-selected", "true");
      active.scrollIntoView({ block: "nearest" });
      input.setAttribute("aria-activedescendant", active.id);
    } else {
      input.removeAttribute("aria-activedescendant");
    }
  }

  function close() {
    panel.hidden = true;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-controls");
    mark(null);
  }

  function open() {
    const has = Boolean(panel.querySelector("#answers")?.children.length);
    if (isDismissed || !has || !input.value.trim() || !form.contains(document.activeElement)) return close();
    panel.hidden = false;
    const list = panel.querySelector("[role=listbox]");
    input.setAttribute("aria-expanded", list ? "true" : "false");
    if (list) input.setAttribute("aria-controls", list.id);
  }

  // What came may be of an older question, or a page to sign in.
  form.addEventListener("htmx:after:swap", () => {
    mark(null);
    open();
    said.textContent = isOpen() ? panel.querySelector("#answers").dataset.said : "";
  });
  for (const name of ["htmx:error", "htmx:response:error"]) form.addEventListener(name, close);

  input.addEventListener("input", () => {
    isDismissed = false;
    if (!input.value.trim()) close();
  });
  input.addEventListener("focus", open);
  form.addEventListener("focusout", (event) => form.contains(event.relatedTarget) || close());
  form.addEventListener("submit", (event) => input.value.trim() || event.preventDefault());

  input.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    if (event.key === "Escape") {
      event.stopPropagation();
      if (isOpen()) {
        event.preventDefault(); // which would empty the box
        isDismissed = true;
        close();
      } else if (!input.value) {
        input.blur();
      }
    } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      isDismissed = false;
      if (!isOpen()) open();
      const all = options();
      if (!isOpen() || !all.length) return;
      event.preventDefault();
      const step = event.key === "ArrowDown" ? 1 : -1;
      const places = all.length + 1; // past either end lies the box itself
      mark(all[((all.indexOf(active) + 1 + step + places) % places) - 1]);
    } else if (event.key === "Enter" && active && isOpen()) {
      event.preventDefault();
      if (event.ctrlKey || event.metaKey) window.open(active.href, "_blank", "noopener");
      else active.click();
    }
  });
}
