// Quittance in the browser: shortcuts, selection, theme and menu. The server decides; this only asks.
(() => {
  "use strict";
  const YEAR = 365 * 24 * 3600;
  const root = document.documentElement;
  const one = (selector, within = document) => within.querySelector(selector);
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const remember = (name, value) => {
    const secure = location.protocol === "https:" ? "; secure" : "";
    document.cookie = `${name}=${value}; path=/; max-age=${YEAR}; samesite=lax${secure}`;
  };

  // theme: change at once, keep for the next page; without script the form does the same
  document.addEventListener("submit", (event) => {
    if (!event.target.matches("[data-theme-form]") || !event.submitter) return;
    event.preventDefault();
    const theme = event.submitter.value;
    root.dataset.bsTheme = theme;
    one("meta[name=color-scheme]").content = theme;
    remember("theme", theme);
    one(theme === "dark" ? ".theme-dark" : ".theme-light").focus();
  });

  // side menu
  const isNarrow = () => getComputedStyle(document.body).getPropertyValue("--q-label").trim() === "none";
  document.addEventListener("click", (event) => {
    const target = event.target.closest("[data-toggle-navigation],[data-dismiss-toast],[data-clear-selection],[data-open-shortcuts]");
    if (!target) return;
    if (target.hasAttribute("data-toggle-navigation")) {
      const choice = isNarrow() ? "wide" : "mini";
      document.body.classList.remove("nav-wide", "nav-mini");
      document.body.classList.add(`nav-${choice}`);
      remember("nav", choice);
    } else if (target.hasAttribute("data-dismiss-toast")) {
      const toast = target.closest(".toast"); // a link in it is followed first
      setTimeout(() => toast.remove(), 0);
    } else if (target.hasAttribute("data-clear-selection")) {
      clearSelection();
    } else {
      one("#shortcuts").showModal();
    }
  });
  all(".nav-group").forEach((group) => {
    const reopen = () => group.classList.remove("is-shut");
    group.addEventListener("mouseleave", reopen);
    group.addEventListener("focusout", (event) => { if (!group.contains(event.relatedTarget)) reopen(); });
  });

  // toasts leave by themselves, except errors, warnings and those with something to fetch
  const fade = (toast) => {
    if (toast.dataset.timed || "stay" in toast.dataset || ["error", "warning"].includes(toast.dataset.toast)) return;
    toast.dataset.timed = "1";
    setTimeout(() => toast.remove(), 8000);
  };
  const fadeAll = () => all("[data-toast]").forEach(fade);

  // selection of rows: the server counts, sums and keeps it
  let asked;
  const tellServer = () => {
    clearTimeout(asked);
    asked = setTimeout(() => one("#bulk-form")?.dispatchEvent(new Event("selectionchanged")), 120);
  };
  const boxes = () => all("[data-box]");
  const clearSelection = () => {
    boxes().forEach((box) => { box.checked = false; });
    const whole = one("[data-all]");
    if (whole) { whole.checked = false; whole.indeterminate = false; }
    tellServer();
  };
  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-all]")) {
      boxes().forEach((box) => { box.checked = event.target.checked; });
      tellServer();
    } else if (event.target.matches("[data-box]")) {
      const whole = one("[data-all]");
      const ticked = boxes().filter((box) => box.checked).length;
      if (ticked === 0) whole.checked = false;
      whole.indeterminate = ticked > 0 && (!whole.checked || ticked < boxes().length);
      tellServer();
    }
  });

  // filter: blank fields stay out of the address; export and selection follow the address
  document.addEventListener("htmx:configRequest", (event) => {
    const { elt, parameters } = event.detail;
    if (!elt.matches("[data-filter]")) return;
    [...new Set(Object.keys(parameters))].forEach((name) => {
      if ([].concat(parameters[name]).every((value) => value === "")) delete parameters[name];
    });
    // leaving a field tells again what was asked for while typing; that would undo a click elsewhere
    const wanted = new URLSearchParams();
    Object.keys(parameters).forEach((name) => [].concat(parameters[name]).forEach((value) => wanted.append(name, value)));
    const shown = new URLSearchParams(location.search);
    wanted.sort();
    shown.sort();
    if (String(wanted) === String(shown)) event.preventDefault();
  });
  const followAddress = () => {
    all("[data-follow-query]").forEach((link) => {
      const wanted = new URL(link.href);
      const query = new URLSearchParams(location.search);
      ["after", "before", "last", "page"].forEach((name) => query.delete(name));
      query.set("part", "export");
      query.set("format", wanted.searchParams.get("format"));
      link.search = query.toString();
    });
  };
  const selectionQuery = () => {
    const query = new URLSearchParams(location.search);
    query.set("part", "selection");
    return `?${query}`;
  };
  document.addEventListener("htmx:configRequest", (event) => {
    if (event.detail.elt.id === "bulk-form") event.detail.path = location.pathname + selectionQuery();
  });
  document.addEventListener("submit", (event) => { // what is done to the whole filter takes the filter shown
    if (event.target.matches("[data-with-query]")) event.target.action = event.target.action.split("?")[0] + location.search;
  });
  document.addEventListener("htmx:afterSettle", () => { fadeAll(); });
  document.addEventListener("htmx:pushedIntoHistory", followAddress);
  document.addEventListener("htmx:afterSwap", (event) => {
    if (["list", "list-rows"].includes(event.detail.target.id)) {
      const bar = one("#bulk-bar");
      if (bar) bar.replaceChildren();
    }
  });

  // keyboard
  const rows = () => all("[data-rows] tbody [data-row]");
  const focused = () => one("[data-row].is-focused");
  const opener = (row) => row && (one("[data-open]", row) || one("a.row-link", row) || one("a[href]", row));
  const step = (by) => {
    const list = rows();
    if (!list.length) return;
    const at = list.indexOf(focused());
    const next = list[Math.max(0, Math.min(list.length - 1, at < 0 ? (by > 0 ? 0 : list.length - 1) : at + by))];
    list.forEach((row) => row.classList.toggle("is-focused", row === next));
    next.scrollIntoView({ block: "nearest" });
    (opener(next) || next).focus({ preventScroll: true });
  };
  let pendingG = 0;
  const go = (key) => {
    const entry = one(`.side-nav [data-go="${CSS.escape(key)}"]`);
    if (entry) location.assign(entry.href);
  };
  const typing = (element) => element.matches("input:not([type=checkbox]):not([type=radio]), textarea, select, [contenteditable]");
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      const group = document.activeElement.closest?.(".nav-group") || one(".nav-group:hover");
      if (group) group.classList.add("is-shut");
      if (one("[data-box]:checked") && !one("dialog[open], .offcanvas.show, .dropdown-menu.show")) clearSelection();
      if (document.activeElement.matches("#top-search")) document.activeElement.blur();
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target) || one("dialog[open]")) return;
    if (pendingG && Date.now() - pendingG < 1200) {
      pendingG = 0;
      go(event.key);
      return;
    }
    switch (event.key) {
      case "/": event.preventDefault(); one("#top-search")?.focus(); break;
      case "?": event.preventDefault(); one("#shortcuts")?.showModal(); break;
      case "g": pendingG = Date.now(); break;
      case "j": step(1); break;
      case "k": step(-1); break;
      case "x": one("[data-box]", focused() || document.createElement("i"))?.click(); break;
      case "Enter": if (event.target === document.body) opener(focused())?.click(); break;
      default:
    }
  });
  document.addEventListener("keydown", (event) => { // arrows through the search results
    if (!event.target.closest(".top-search") || !["ArrowDown", "ArrowUp"].includes(event.key)) return;
    const stops = [one("#top-search"), ...all("[data-hit]")];
    const next = stops[stops.indexOf(document.activeElement) + (event.key === "ArrowDown" ? 1 : -1)];
    if (next) { event.preventDefault(); next.focus(); }
  });

  fadeAll();
})();
