/* Data Capture by keyboard: Enter moves down a column, Shift+Enter up, Ctrl+Enter saves. */
(function () {
  "use strict";
  document.addEventListener("keydown", function (event) {
    const cell = event.target.closest("[data-grid] [data-column]");
    if (!cell || event.key !== "Enter" || event.isComposing) return;
    event.preventDefault();
    if (event.ctrlKey || event.metaKey) {
      cell.form.requestSubmit();
      return;
    }
    const column = Array.from(cell.closest("[data-grid]").querySelectorAll("[data-column]")).filter(
      function (other) { return other.dataset.column === cell.dataset.column; }
    );
    const next = column[column.indexOf(cell) + (event.shiftKey ? -1 : 1)];
    if (!next) return;
    next.focus();
    if (next.select) next.select();
  });
  const first = document.querySelector("[data-grid] .has-errors [data-column]");
  if (first) first.focus();
})();
