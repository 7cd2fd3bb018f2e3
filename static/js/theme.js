// Runs before the first paint, so that a chosen theme does not flash. Everything else is in app.js.
(() => {
  const root = document.documentElement;
  root.classList.add("mu-js");
  try {
    const theme = localStorage.getItem("muster-theme");
    if (theme === "light" || theme === "dark") root.dataset.theme = theme;
    root.classList.toggle("mu-keys-off", localStorage.getItem("muster-keys") === "off");
  } catch {
    // Storage is refused (private mode): the system's theme it is.
  }
})();
