// Forms of customers and contracts: another row of own fields; names of countries and currencies.
(() => {
  "use strict";
  const MOST_ROWS = 50;
  document.querySelectorAll("[data-key-values]").forEach((editor) => {
    const button = editor.querySelector("[data-add-row]");
    const rows = () => editor.querySelectorAll("[data-key-value-row]");
    button.hidden = false;
    button.addEventListener("click", () => {
      const row = rows()[rows().length - 1].cloneNode(true);
      const number = rows().length + 1;
      row.querySelectorAll("input").forEach((input) => {
        input.value = "";
        input.setAttribute("aria-label", `${input.placeholder} of field ${number}`);
      });
      button.before(row);
      row.querySelector("input").focus();
      button.hidden = rows().length >= MOST_ROWS;
    });
  });

  const named = (type) => {
    const names = new Intl.DisplayNames(["en"], { type, fallback: "none" });
    return (code) => { try { return names.of(code); } catch { return undefined; } };
  };
  document.querySelectorAll("select[data-names]").forEach((select) => {
    const nameOf = named(select.dataset.names);
    for (const option of select.options) {
      const name = option.value && nameOf(option.value);
      if (name) option.text = `${option.value} – ${name}`;
    }
  });
  document.querySelectorAll("[data-name-of]").forEach((element) => {
    const name = named(element.dataset.nameOf)(element.textContent.trim());
    if (name) element.textContent = name;
  });
})();
