// The form that declares an incident: a box that filters many services, and panels that are right after "back".
// Without this file the services are a plain list to scroll.

const form = document.getElementById("declare");

for (const box of form.querySelectorAll("[data-ticks]")) {
  const list = document.getElementById(box.dataset.ticks);
  const none = form.querySelector("[data-ticks-none]");
  const rows = [...list.children];
  const isTicked = (row) => row.querySelector(":checked") !== null;

  // Those that are chosen stay in sight, above what fits. Nothing moves while one ticks, only while one types.
  const filter = () => {
    const words = box.value.toLowerCase().split(/\s+/).filter(Boolean);
    let found = 0;
    for (const row of rows) {
      const fits = words.every((word) => row.textContent.toLowerCase().includes(word));
      row.hidden = !fits && !isTicked(row);
      found += fits;
    }
    list.prepend(...rows.filter(isTicked));
    for (const row of rows) if (!isTicked(row)) list.append(row);
    list.scrollTop = 0;
    none.textContent = !words.length ? "" : found ? `${found} of ${rows.length} services` : "No service has these words.";
  };

  box.addEventListener("input", filter);
  box.addEventListener("change", (event) => event.stopPropagation());
  box.addEventListener("keydown", (event) => {
    const shown = rows.filter((row) => !row.hidden && !isTicked(row));
    if (event.key === "Enter") {
      event.preventDefault();
      if (box.value.trim() && shown.length === 1) {
        shown[0].querySelector("input").click();
        box.value = "";
        filter();
      }
    } else if (event.key === "ArrowDown" && shown.length) {
      event.preventDefault();
      shown[0].querySelector("input").focus();
    }
  });
}

// A browser that restores what was typed (back, reload) does so without a word: ask for both panels again.
const differs = (field) => (field.matches("[type=checkbox], [type=radio]") ? field.checked !== field.defaultChecked : field.matches("input, textarea") && field.value !== field.defaultValue);
addEventListener("pageshow", () => setTimeout(() => {
  if (![...form.elements].some(differs)) return;
  for (const id of ["declare-title", "declare-services", "declare-severity"]) {
    document.getElementById(id).dispatchEvent(new Event(id === "declare-title" ? "input" : "change", { bubbles: true }));
  }
}));
