// A public page that stays open: says when nobody has confirmed it for ten minutes, and loads itself anew when it has
// been written anew. Nothing else needs a script.
(() => {
  "use strict";
  const foot = document.getElementById("as-of");
  const stale = document.getElementById("stale");
  if (!foot || !stale) return;
  const { at: written, asOf, zone, text } = foot.dataset;
  const TOO_OLD = 10 * 60 * 1000;
  const EVERY = 60 * 1000;

  const absolute = (at) =>
    new Intl.DateTimeFormat(document.documentElement.lang, {
      dateStyle: "medium", timeStyle: "short", timeZone: zone,
    }).format(at);

  const isBusy = () => /^(INPUT|TEXTAREA|SELECT)$/.test(document.activeElement?.tagName ?? "");

  async function look() {
    try {
      const answer = await fetch(asOf, { cache: "no-store" });
      if (!answer.ok) return;
      const told = await answer.json();
      const at = new Date(told.at);
      const isOld = Date.now() - at > TOO_OLD;
      stale.textContent = isOld ? text.replace("{at}", absolute(at)) : "";
      stale.hidden = !isOld;
      if (isOld || isBusy()) return;
      const page = await fetch(location.href, { cache: "no-cache" });
      if (page.ok && !(await page.text()).includes(`data-at="${written}"`)) location.reload();
    } catch {
      // Without a network there is nothing to say: the page itself says when it was written.
    }
  }

  look();
  setInterval(() => document.hidden || look(), EVERY);
})();
