/* Sliders of the explorer and of the labs: draws the rows that belong to a position. Observable Plot does the drawing;
   no statistic is computed here, and without a script there is a table. */
"use strict";

(() => {
  const held = document.getElementById("explorer-data");
  if (!held || typeof Plot === "undefined") return;
  const COLOURS = ["var(--explorer-1)", "var(--explorer-2)", "var(--explorer-3)", "var(--explorer-4)", "var(--explorer-5)"];

  /* The drawing is one picture with a name; the library also names its groups, which assistive technology may not. */
  function asPicture(chart) {
    chart.setAttribute("role", "img");
    for (const group of chart.querySelectorAll("g[aria-label]")) group.removeAttribute("aria-label");
    return chart;
  }

  function whatIf(box, told) {
    const area = box.querySelector(".explorer-what-if");
    const input = area.querySelector("input");
    const names = [...new Set(told.points.flatMap((point) => point.rows.filter((row) => row.value !== null).map((row) => row.name)))];
    const flat = told.points.flatMap((point, place) => point.rows.filter((row) => row.value !== null && row.lower !== null)
      .map((row) => ({ ...row, at: point.at, place, colour: names.indexOf(row.name) })));
    input.max = told.points.length - 1;
    input.value = Math.floor((told.points.length - 1) / 3);
    const limits = told.ratio ? [0.1, 10] : null;
    const clamp = (value) => (limits ? Math.min(limits[1], Math.max(limits[0], value)) : value);
    function paint() {
      const now = Number(input.value);
      const point = told.points[now];
      const holder = area.querySelector(".explorer-chart");
      const shift = (d) => d.place + (names.length > 1 ? (d.colour - 0.5) * 0.22 : 0);
      const faint = (d) => (d.place === now ? 1 : 0.32);
      holder.replaceChildren(asPicture(Plot.plot({
        width: Math.max(300, holder.clientWidth || 700), height: 260, marginLeft: 46, marginBottom: 38,
        style: { background: "none", color: "inherit", fontSize: "13px" },
        x: { domain: [-0.5, told.points.length - 0.5], ticks: told.points.map((_, i) => i), tickFormat: (i) => told.points[i]?.at, label: told.unit },
        y: told.ratio ? { type: "log", domain: limits, ticks: [0.1, 0.2, 0.5, 1, 2, 5, 10], tickFormat: (each) => `${each}`, label: told.axis } : { label: told.axis, zero: true },
        marks: [
          ...(told.ratio ? [Plot.ruleY([1], { stroke: "currentColor", strokeDasharray: "4 4" })] : []),
          Plot.ruleX(flat, { x: shift, y1: (d) => clamp(d.lower), y2: (d) => clamp(d.upper), stroke: (d) => COLOURS[d.colour], strokeOpacity: faint, strokeWidth: 2.4 }),
          Plot.dot(flat, { x: shift, y: (d) => clamp(d.value), fill: (d) => COLOURS[d.colour], fillOpacity: faint, symbol: (d) => ["circle", "square"][d.colour], r: 5 }),
        ],
        color: { type: "identity" }, symbol: { type: "identity" }, ariaLabel: told.title,
      })));
      area.querySelector(".explorer-told").textContent = point.at;
      input.setAttribute("aria-valuetext", `${told.unit}: ${point.at}`);
      area.querySelector(".explorer-reading").replaceChildren(...point.rows.map((row) => {
        const line = document.createElement("p");
        const dot = document.createElement("span");
        dot.className = "explorer-dot";
        dot.style.background = names.includes(row.name) ? COLOURS[names.indexOf(row.name)] : "transparent";
        line.append(dot, `${row.name}: ${row.text}`);
        return line;
      }));
    }
    input.addEventListener("input", paint);
    area.hidden = false;
    box.querySelector("details").open = false;
    paint();
    return paint;
  }

  const paints = JSON.parse(held.textContent).sliders
    .map((told) => [document.querySelector(`[data-slider="${told.name}"]`), told])
    .filter(([box]) => box)
    .map(([box, told]) => whatIf(box, told));
  let width = innerWidth;
  addEventListener("resize", () => { if (innerWidth !== width) { width = innerWidth; for (const paint of paints) paint(); } });
})();
