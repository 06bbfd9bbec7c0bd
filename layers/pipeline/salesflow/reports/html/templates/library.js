// Comfort only: a field above each long table that leaves the rows with all the words typed into it.
for (const table of document.querySelectorAll("table.findable")) {
  const rows = [...table.tBodies[0].rows];
  if (rows.length < 8) continue;
  const texts = rows.map((row) => `${row.textContent} ${row.querySelector("time").dateTime}`.toLowerCase());
  const field = document.createElement("input");
  const found = document.createElement("p");
  field.type = "search";
  field.placeholder = table.dataset.find;
  field.setAttribute("aria-label", table.dataset.find);
  found.className = "note";
  found.setAttribute("role", "status");
  field.addEventListener("input", () => {
    const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    rows.forEach((row, n) => {
      row.hidden = !words.every((word) => texts[n].includes(word));
      shown += !row.hidden;
    });
    found.textContent = words.length ? table.dataset.found.replace("%1", shown).replace("%2", rows.length) : "";
  });
  table.parentElement.before(field, found);
}
