/* Filters of the ledger: hides rows, says how many are left. Without this script the whole table is shown. */
(function () {
  "use strict";
  const ledger = document.currentScript.parentElement;
  const filters = ledger.querySelector(".ledger-filters");
  const rows = Array.from(ledger.querySelectorAll("tbody tr[data-verdict]"));
  const headings = Array.from(ledger.querySelectorAll("tbody tr.section"));
  const reasons = rows.map((row) => (row.nextElementSibling?.matches(".why") ? row.nextElementSibling : null));
  const texts = rows.map((row, i) => `${row.textContent} ${reasons[i]?.textContent ?? ""}`.toLowerCase());
  const said = filters.querySelector("[role=status]");
  const fields = Array.from(filters.querySelectorAll("select, input"));
  const [section, verdict, words] = fields;

  function apply() {
    const wanted = words.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    rows.forEach((row, i) => {
      const keep = (!section.value || row.dataset.section === section.value)
        && (!verdict.value || row.dataset.verdict === verdict.value)
        && wanted.every((word) => texts[i].includes(word));
      row.hidden = !keep;
      if (reasons[i]) reasons[i].hidden = !keep;
      shown += keep;
    });
    const kept = new Set(rows.filter((row) => !row.hidden).map((row) => row.dataset.section));
    headings.forEach((heading) => { heading.hidden = !kept.has(heading.dataset.section); });
    said.textContent = `${shown} of ${rows.length} claims shown`;
  }

  fields.forEach((field) => field.addEventListener("input", apply));
  filters.querySelector("button").addEventListener("click", () => {
    fields.forEach((field) => { field.value = ""; });
    apply();
    section.focus();
  });
  filters.hidden = false;
  apply();
})();
