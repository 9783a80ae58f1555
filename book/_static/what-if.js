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
    /* What lies beyond the axis is drawn at its end: as a triangle, and an interval that goes on as an arrow. */
    const past = (value) => (!limits ? 0 : value > limits[1] ? 1 : value < limits[0] ? -1 : 0);
    const LOOKS = ["circle", "square"];
    const ends = flat.flatMap((row) => [row.lower, row.upper].filter(past)
      .map((value) => ({ ...row, value, up: past(value) > 0 })));
    function paint() {
      const now = Number(input.value);
      const point = told.points[now];
      const holder = area.querySelector(".explorer-chart");
      const shift = (d) => d.place + (names.length > 1 ? (d.colour - 0.5) * 0.22 : 0);
      const faint = (d) => (d.place === now ? 1 : 0.32);
      holder.replaceChildren(asPicture(Plot.plot({
        width: Math.max(300, holder.clientWidth || 700), height: 260, marginLeft: 46, marginTop: 34, marginBottom: 38, insetBottom: limits ? 16 : 0,
        style: { background: "none", color: "inherit", fontSize: "13px", overflow: "visible" },
        x: { domain: [-0.5, told.points.length - 0.5], ticks: told.points.map((_, i) => i), tickFormat: (i) => told.points[i]?.at, label: told.unit },
        y: told.ratio ? { type: "log", domain: limits, ticks: [0.1, 0.2, 0.5, 1, 2, 5, 10], tickFormat: (each) => `${each}`, label: told.axis } : { label: told.axis, zero: true },
        marks: [
          ...(told.ratio ? [Plot.ruleY([1], { stroke: "currentColor", strokeDasharray: "4 4" })] : []),
          Plot.ruleX(flat, { x: shift, y1: (d) => clamp(d.lower), y2: (d) => clamp(d.upper), stroke: (d) => COLOURS[d.colour], strokeOpacity: faint, strokeWidth: 2.4 }),
          ...[true, false].map((up) => Plot.text(ends.filter((d) => d.up === up), { x: shift, y: (d) => clamp(d.value), dy: up ? -7 : 7,
            text: () => (up ? "\u2191" : "\u2193"), fill: (d) => COLOURS[d.colour], fillOpacity: faint, fontWeight: 700, fontSize: 14, clip: false })),
          Plot.dot(flat.filter((d) => !past(d.value)), { x: shift, y: "value", fill: (d) => COLOURS[d.colour], fillOpacity: faint, symbol: (d) => LOOKS[d.colour], r: 5 }),
          ...[1, -1].map((way) => Plot.dot(flat.filter((d) => past(d.value) === way), { x: shift, y: (d) => clamp(d.value),
            stroke: (d) => COLOURS[d.colour], strokeOpacity: faint, strokeWidth: 2, symbol: "triangle", rotate: way > 0 ? 0 : 180, r: 5 })),
        ],
        color: { type: "identity" }, symbol: { type: "identity" }, ariaLabel: told.title,
      })));
      area.querySelector(".explorer-told").textContent = point.said;
      input.setAttribute("aria-valuetext", `${told.moves}: ${point.said}`);
      area.querySelector(".explorer-beyond").hidden = !flat.some((row) => past(row.value) || past(row.lower) || past(row.upper));
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
    // The column follows the window late, and a sidebar may come or go: it is the place itself that is watched.
    const holder = area.querySelector(".explorer-chart");
    let width = holder.clientWidth;
    new ResizeObserver(() => { if (holder.clientWidth !== width) { width = holder.clientWidth; paint(); } }).observe(holder);
  }

  for (const told of JSON.parse(held.textContent).sliders) {
    const box = document.querySelector(`[data-slider="${told.name}"]`);
    if (box) whatIf(box, told);
  }
})();
