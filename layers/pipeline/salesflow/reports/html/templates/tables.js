// Comfort only: a click on a column's title sorts its table; a second one turns the order round.
for (const table of document.querySelectorAll("table.sortable")) {
  const body = table.tBodies[0];
  const titles = [...table.tHead.rows[0].cells];
  titles.forEach((title, column) => {
    const numeric = title.classList.contains("n");
    const button = document.createElement("button");
    button.type = "button";
    button.append(...title.childNodes);
    title.append(button);
    button.addEventListener("click", () => {
      const before = title.getAttribute("aria-sort");
      const down = before ? before === "ascending" : numeric;
      const sign = down ? -1 : 1;
      const key = (row) => row.cells[column].dataset.order;
      const text = (row) => row.cells[column].textContent.trim();
      const rows = [...body.rows].sort((a, b) => {
        const [x, y] = [key(a), key(b)];
        if (x !== undefined && y !== undefined) return sign * (x - y);
        if (x !== undefined || y !== undefined) return x === undefined ? 1 : -1;
        return sign * text(a).localeCompare(text(b), document.documentElement.lang, { numeric: true });
      });
      titles.forEach((other) => other.removeAttribute("aria-sort"));
      title.setAttribute("aria-sort", down ? "descending" : "ascending");
      body.append(...rows);
    });
  });
}
