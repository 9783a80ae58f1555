/* The explorer: draws what the book has computed, and reads it off. Observable Plot does the drawing; no statistic is
   computed here. */
"use strict";

(() => {
  const page = document.querySelector(".explorer");
  const held = document.getElementById("explorer-data");
  if (!page || !held || typeof Plot === "undefined") return;
  const data = JSON.parse(held.textContent);
  const live = page.querySelector(".explorer-live");
  const control = (name) => live.querySelector(`[name="${name}"]`);
  const COLOURS = ["var(--explorer-1)", "var(--explorer-2)", "var(--explorer-3)", "var(--explorer-4)", "var(--explorer-5)"];
  const DASHES = ["none", "7 3", "2 3", "9 3 2 3", "12 4"];
  const percent = (share) => `${Math.round(100 * share)}%`;
  const state = { cohort: data.cohorts[0].name, endpoint: "OS2", by: "salvage_regimen", interval: "", month: 12, from: 0, to: null, bundle: false };

  /* What was looked at is in the address, so that it can be sent and bookmarked. */
  for (const [key, value] of new URLSearchParams(location.hash.slice(1))) if (key in state) state[key] = value;
  state.bundle = state.bundle === true || state.bundle === "true";
  state.month = Number(state.month);

  function fill(select, choices, chosen) {
    select.replaceChildren(...choices.map(([value, label]) => new Option(label, value, false, value === chosen)));
    select.disabled = choices.length < 2;
    return choices.some(([value]) => value === chosen) ? chosen : choices[0]?.[0];
  }

  const cohort = () => data.cohorts.find((each) => each.name === state.cohort) || data.cohorts[0];
  const key = () => `${state.endpoint}/${state.by}`;
  const shown = () => cohort().curves[key()];

  function choices() {
    state.cohort = fill(control("cohort"), data.cohorts.map((each) => [each.name, each.title]), state.cohort);
    const keys = Object.keys(cohort().curves);
    const endpoints = [...new Set(keys.map((each) => each.split("/")[0]))];
    state.endpoint = fill(control("endpoint"), endpoints.map((each) => [each, data.endpoints[each]]), state.endpoint);
    const groupings = keys.filter((each) => each.startsWith(`${state.endpoint}/`)).map((each) => each.split("/")[1]);
    state.by = fill(control("by"), groupings.map((each) => [each, cohort().groupings[each]]), state.by);
    const intervals = Object.keys(shown().groups[0].ci);
    state.interval = fill(control("interval"), [...intervals.map((each) => [each, `${each} (95%)`]), ["none", "none"]], state.interval || intervals[0]);
    const tick = control("bundle");
    tick.closest("label").hidden = !(cohort().bundle && data.bundle[key()]);
    tick.checked = state.bundle;
  }

  const longest = () => Math.max(...shown().groups.map((group) => group.t[group.t.length - 1]));

  /* The step that holds at a month: its place, or -1 beyond the end of the curve. */
  function stepAt(group, month) {
    const last = group.t.length - 1;
    if (month > group.t[last] && group.s[last] > 0) return -1;
    let place = 0;
    while (place < last && group.t[place + 1] <= month) place += 1;
    return place;
  }
  const atRisk = (group, month) => { const place = group.t.findIndex((t) => t >= month); return place < 0 ? 0 : group.n[place]; };

  function marks() {
    const groups = shown().groups;
    const lines = groups.map((group) => group.t.map((t, i) => ({ t, s: group.s[i], c: group.c && group.c[i], ci: group.ci[state.interval] ? [group.ci[state.interval][0][i], group.ci[state.interval][1][i]] : null })));
    const drawn = [Plot.ruleY([0], { stroke: "currentColor" }), Plot.gridY({ stroke: "currentColor", strokeOpacity: 0.12 })];
    const bundle = state.bundle && cohort().bundle && data.bundle[key()];
    lines.forEach((line, i) => {
      const look = { stroke: COLOURS[i % 5], strokeDasharray: DASHES[i % 5] };
      if (bundle) {
        for (const other of bundle[groups[i].name] || []) {
          drawn.push(Plot.lineY(other.map((s, t) => ({ t, s })), { x: "t", y: "s", stroke: COLOURS[i % 5], strokeOpacity: 0.28, strokeWidth: 1, curve: "step-after" }));
        }
      } else if (state.interval !== "none") {
        const band = line.filter((each) => each.ci && each.ci[0] !== null && each.ci[1] !== null);
        drawn.push(Plot.areaY(band, { x: "t", y1: (d) => d.ci[0], y2: (d) => d.ci[1], fill: COLOURS[i % 5], fillOpacity: 0.15, curve: "step-after" }));
      }
      drawn.push(Plot.lineY(line, { x: "t", y: "s", ...look, strokeWidth: 2.4, curve: "step-after" }));
      drawn.push(Plot.dot(line.filter((each) => each.c), { x: "t", y: "s", symbol: "plus", r: 3, stroke: COLOURS[i % 5] }));
    });
    drawn.push(Plot.ruleX([state.month], { stroke: "currentColor", strokeOpacity: 0.6 }));
    return drawn;
  }

  /* The drawing is one picture with a name; the library also names its groups, which assistive technology may not. */
  function asPicture(chart) {
    chart.setAttribute("role", "img");
    for (const group of chart.querySelectorAll("g[aria-label]")) group.removeAttribute("aria-label");
    return chart;
  }

  let rule = null; // the line at which the curves are read
  function draw() {
    const to = state.to === null ? longest() : Math.min(state.to, longest());
    const holder = live.querySelector(".explorer-chart");
    const chart = Plot.plot({
      width: Math.max(300, holder.clientWidth || 700), height: 380, marginLeft: 46, marginBottom: 38, clip: true,
      style: { background: "none", color: "inherit", fontSize: "13px", overflow: "visible" },
      x: { domain: [state.from, to], label: "Months" },
      y: { domain: [0, 1], tickFormat: percent, label: state.endpoint },
      marks: marks(),
      ariaLabel: data.endpoints[state.endpoint], ariaDescription: "The same numbers stand in the tables below.",
    });
    rule = [...chart.querySelectorAll("[aria-label='rule'] line")].pop();
    asPicture(chart);
    const scale = chart.scale("x");
    chart.addEventListener("pointermove", (event) => {
      const box = chart.getBoundingClientRect();
      const month = scale.invert((event.clientX - box.left) * (chart.viewBox.baseVal.width / box.width));
      if (month >= state.from && month <= to) { state.month = Math.round(2 * month) / 2; read(); }
    });
    holder.replaceChildren(chart);
    const slider = control("month");
    slider.min = state.from;
    slider.max = Math.floor(2 * to) / 2;
    read();
  }

  function table(heads, lines, caption) {
    const made = document.createElement("table");
    made.className = "rows";
    made.createCaption().textContent = caption;
    const head = made.createTHead().insertRow();
    for (const each of heads) { const th = document.createElement("th"); th.scope = "col"; th.textContent = each; head.append(th); }
    const body = made.createTBody();
    for (const line of lines) {
      const row = body.insertRow();
      line.forEach((text, i) => {
        const cell = document.createElement(i ? "td" : "th");
        if (!i) cell.scope = "row";
        /* A number breaks only before its interval, as in salvage.js. */
        const parts = i ? text.split(/ (?=\()/) : [text];
        cell.append(...parts.flatMap((part, at) => {
          const whole = document.createElement("span");
          whole.className = i && part.length <= 28 ? "whole" : "";
          whole.textContent = part;
          return at ? [" ", whole] : [whole];
        }));
        row.append(cell);
      });
    }
    const box = document.createElement("div");
    box.className = "table-wrap";
    box.tabIndex = 0;
    box.setAttribute("role", "group");
    box.setAttribute("aria-label", caption);
    box.append(made);
    return box;
  }

  function read() {
    control("month").value = state.month;
    control("month").setAttribute("aria-valuetext", `${state.month} months`);
    live.querySelector(".explorer-told").textContent = `${state.month} months`;
    const chart = live.querySelector(".explorer-chart > *");
    const x = chart.scale("x").apply(state.month);
    rule.setAttribute("x1", x);
    rule.setAttribute("x2", x);
    const heads = ["Group", "Survival", "95% interval", "At risk"];
    const lines = shown().groups.map((group, i) => {
      const place = stepAt(group, state.month);
      const ci = group.ci[state.interval];
      const interval = place < 0 || !ci || ci[0][place] === null ? "–" : `${percent(ci[0][place])} to ${percent(ci[1][place])}`;
      return [group.name || "everybody", place < 0 ? "follow-up has ended" : percent(group.s[place]), interval, String(atRisk(group, state.month))];
    });
    const made = table(heads, lines, `At ${state.month} months`);
    made.querySelectorAll("tbody th").forEach((th, i) => {
      const swatch = document.createElementNS("http://www.w3.org/2000/svg", "svg");
      swatch.setAttribute("width", 34); swatch.setAttribute("height", 10); swatch.setAttribute("aria-hidden", "true");
      const line = document.createElementNS("http://www.w3.org/2000/svg", "path");
      line.setAttribute("d", "M0,5H30");
      line.style.cssText = `stroke:${COLOURS[i % 5]};stroke-width:3;stroke-dasharray:${DASHES[i % 5]}`;
      swatch.append(line);
      th.prepend(swatch);
    });
    live.querySelector(".explorer-reading").replaceChildren(made);
  }

  function show() {
    choices();
    draw();
    const { table: [heads, ...lines], test, caution } = shown();
    const names = `${data.endpoints[state.endpoint]}${state.by ? `, by ${cohort().groupings[state.by].toLowerCase()}` : ""}. ${test}`;
    live.querySelector(".explorer-table").replaceChildren(table(heads, lines, names));
    live.querySelector(".explorer-caution").textContent = caution;
    const told = new URLSearchParams({ cohort: state.cohort, endpoint: state.endpoint, by: state.by, interval: state.interval, bundle: state.bundle });
    history.replaceState(null, "", `#${told}`);
  }

  for (const name of ["cohort", "endpoint", "by", "interval"]) {
    control(name).addEventListener("change", (event) => { state[name] = event.target.value; state.from = 0; state.to = null; show(); });
  }
  control("bundle").addEventListener("change", (event) => { state.bundle = event.target.checked; show(); });
  control("month").addEventListener("input", (event) => { state.month = Number(event.target.value); read(); });
  function zoom(factor) {
    const to = state.to === null ? longest() : state.to;
    const wide = Math.min(longest(), Math.max(3, (to - state.from) * factor));
    state.from = Math.max(0, Math.min(state.month - wide / 2, longest() - wide));
    state.to = state.from + wide;
    draw();
  }
  control("in").addEventListener("click", () => zoom(0.5));
  control("out").addEventListener("click", () => zoom(2));

  live.hidden = false;
  page.querySelector(".explorer-still").open = false;
  show();
  // The column follows the window late, and a sidebar may come or go: it is the place itself that is watched.
  const place = live.querySelector(".explorer-chart");
  let width = place.clientWidth;
  new ResizeObserver(() => { if (place.clientWidth !== width) { width = place.clientWidth; draw(); } }).observe(place);
})();
