"use strict";
for (const head of document.querySelectorAll(".mrsnb-jobs th button")) {
  head.addEventListener("click", () => {
    const cell = head.parentElement, body = cell.closest("table").tBodies[0], i = cell.cellIndex;
    const down = cell.getAttribute("aria-sort") === "ascending";
    for (const other of cell.parentElement.cells) other.removeAttribute("aria-sort");
    cell.setAttribute("aria-sort", down ? "descending" : "ascending");
    const text = (row) => row.cells[i].textContent.trim();
    const compare = (a, b) => text(a).localeCompare(text(b), undefined, {numeric: true});
    const rows = [...body.rows].sort((a, b) => (text(a) === "") - (text(b) === "") || (down ? compare(b, a) : compare(a, b)));
    body.append(...rows);
  });
}
