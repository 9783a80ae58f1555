/* Small repairs that CSS cannot make. No requests, no dependencies; the pages read well without it. */
"use strict";

const NEUTRAL = /^(?:[-–—]?|<na>|(?:n\/?a|nan|none|nobody|nr|ne|not reached|not estimable)\b.*)$/i;
/* A quantity begins with its number and is short: "0.747 †", "<0.001", "19.1 months (95% CI 10.5 to not reached)". */
const NUMERIC = /^[<>≤≥=≈~±+−–-]?\s*\(?\d.{0,47}$/;
const LONG = 26; // characters that still fit in one line of a cell
const PROSE = 45; // characters from which a cell holds sentences

/* 'number', 'neutral' (says nothing about its column) or 'text' */
function kindOf(text) {
  const trimmed = text.trim();
  if (NEUTRAL.test(trimmed)) return "neutral";
  return NUMERIC.test(trimmed) ? "number" : "text";
}

/* The table as a grid, so that spanning headers keep their columns. */
function gridOf(table) {
  const grid = [];
  Array.from(table.rows).forEach((row, r) => {
    grid[r] = grid[r] || [];
    let c = 0;
    for (const cell of row.cells) {
      while (grid[r][c]) c += 1;
      for (let dr = 0; dr < cell.rowSpan; dr += 1) {
        grid[r + dr] = grid[r + dr] || [];
        for (let dc = 0; dc < cell.colSpan; dc += 1) grid[r + dr][c + dc] = cell;
      }
      c += cell.colSpan;
    }
  });
  return grid;
}

/* Numbers to the right, text to the left, each header with its column. An author's own class wins. */
function alignColumns(table) {
  const grid = gridOf(table);
  const width = Math.max(0, ...grid.map((row) => row.length));
  for (let c = 0; c < width; c += 1) {
    const column = grid.map((row) => row[c]).filter(Boolean);
    const body = column.filter((cell) => cell.tagName === "TD" && !cell.closest("thead"));
    if (body.length === 0) continue;
    const kinds = body.map((cell) => kindOf(cell.textContent));
    const numeric = !kinds.includes("text");
    for (const cell of column) {
      const isOwn = cell.classList.contains("num") || cell.classList.contains("text");
      if (isOwn || cell.colSpan > 1 || (cell.tagName === "TH" && !cell.closest("thead"))) continue;
      cell.classList.add(numeric ? "num" : "text");
      if (numeric && cell.textContent.trim().length > LONG) cell.classList.add("long");
      if (!numeric && cell.textContent.trim().length > PROSE) cell.classList.add("prose");
    }
  }
}

/* pandas leaves its corner an empty header cell, which a screen reader announces as a header without a name. */
function plainEmptyHeaders(table) {
  for (const th of table.querySelectorAll("th")) {
    if (th.textContent.trim() !== "") continue;
    const td = document.createElement("td");
    for (const name of ["colspan", "rowspan", "class"]) {
      if (th.hasAttribute(name)) td.setAttribute(name, th.getAttribute(name));
    }
    td.classList.add("corner");
    th.replaceWith(td);
  }
}

/* The size of a group stays in one piece when its column's header breaks: RT / (n = 25). */
function keepSizesTogether(table) {
  for (const th of table.querySelectorAll("thead th")) {
    if (th.childElementCount > 0) continue;
    th.textContent = th.textContent.replace(/\(n = (\d+)\)/g, "(n\u00a0=\u00a0$1)");
  }
}

/* A number breaks only before its interval, and before an end that is said in words:
   15.6 months / (95% CI 9.8 / to not reached); 8 of 25 (32%) does not. */
const SHORT = 16; // characters that stay in one line of a narrow column
const LONGEST = 28; // more than these break anywhere
function keepNumbersTogether(table) {
  for (const cell of table.querySelectorAll("td.num")) {
    if (cell.childElementCount > 0) continue;
    const told = cell.textContent.trim();
    const parts = told.length > SHORT ? told.split(/ (?=\(|to not reached)/) : [told];
    cell.replaceChildren(...parts.flatMap((part, i) => {
      const whole = document.createElement("span");
      whole.className = part.length > LONGEST ? "" : "whole";
      whole.textContent = part;
      return i ? [" ", whole] : [whole];
    }));
  }
}

/* What a letter stands for stays on its line: P = 0.19, n = 120. */
function keepEquationsTogether(article) {
  const texts = document.createTreeWalker(article, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const { data, parentElement: inside } = texts.currentNode;
    const joined = data.replace(/\b([Pn]) ([=<]) (?=\d)/g, "$1\u00a0$2\u00a0");
    if (joined !== data && !inside.closest("pre, code, script, form, mjx-container")) texts.currentNode.data = joined;
  }
}

/* Where a long name may be broken (of a column, a file, a paper): behind _ / and ., never within a word. */
const A_LONG_NAME = 12; // characters
function breakNames(table) {
  const texts = document.createTreeWalker(table, NodeFilter.SHOW_TEXT);
  const long = [];
  while (texts.nextNode()) {
    if (texts.currentNode.data.split(/\s/).some((word) => word.length >= A_LONG_NAME)) long.push(texts.currentNode);
  }
  for (const node of long) {
    const parts = node.data.split(/(?<=[A-Za-z\d][_/.])(?=[A-Za-z])|(?<=\d{4}\/)(?=\w)/);
    if (parts.length > 1) node.replaceWith(...parts.flatMap((part, i) => (i ? [document.createElement("wbr"), part] : [part])));
  }
}

/* A short piece of code within words stays in one line: --nthreads 1 is not broken behind its hyphens. */
const IN_ONE_LINE = 22; // characters, which a telephone has room for
function keepCodeTogether() {
  for (const code of document.querySelectorAll("article.bd-article :is(p, li, dd) > code")) {
    if (code.textContent.length <= IN_ONE_LINE && !code.closest("table")) code.classList.add("whole");
  }
}

/* What heads the lines of a table is seen however far the table is scrolled. */
function keepSectionsInSight(table) {
  for (const head of table.querySelectorAll("tr.section > th[colspan]")) {
    const inside = document.createElement("span");
    inside.className = "stays";
    inside.append(...head.childNodes);
    head.append(inside);
  }
}

/* Each line of a chapter's code becomes a box of its own, so that what wraps can be told from a new line. */
function boxLines(pre) {
  const lines = [[]];
  for (const token of pre.childNodes) {
    token.textContent.split("\n").forEach((part, i) => {
      if (i) lines.push([]);
      if (!part) return;
      const piece = token.cloneNode(false);
      piece.textContent = part;
      lines.at(-1).push(piece);
    });
  }
  if (lines.at(-1).length === 0) lines.pop();
  pre.replaceChildren(...lines.map((pieces) => {
    const line = document.createElement("span");
    line.className = "code-line";
    line.append(...pieces, "\n"); // copied as it was typed
    line.style.setProperty("--began", line.textContent.search(/\S|$/));
    return line;
  }));
}

/* Every table gets a box of its own to scroll in, so the page never does. */
function wrap(table) {
  const ready = table.closest(".table-wrap, .pst-scrollable-table-container");
  if (ready) return;
  const box = document.createElement("div");
  box.className = "table-wrap";
  table.replaceWith(box);
  box.append(table);
}

/* What scrolls sideways must be reachable by keyboard, and have a name. */
function nameOf(box) {
  const caption = box.querySelector("caption");
  if (caption) return caption.textContent.trim();
  if (box.querySelector("table")) return "Wide table";
  return box.matches("mjx-container") ? "Wide formula" : "Wide content";
}

function markScrollable(box, scrolls) {
  if (box.classList.contains("scrolls") === scrolls) return;
  box.classList.toggle("scrolls", scrolls);
  if (scrolls) {
    box.tabIndex = 0;
    box.setAttribute("role", "group");
    box.setAttribute("aria-label", nameOf(box));
  } else {
    box.removeAttribute("tabindex");
    box.removeAttribute("role");
    box.removeAttribute("aria-label");
  }
}

const SCROLLERS = [
  ".table-wrap", ".pst-scrollable-table-container", "div.highlight pre",
  "div.cell_output .output", "div.math", "mjx-container[display=true]",
].map((selector) => `article.bd-article ${selector}`).join(", ");

const isTooWide = (box) => box.scrollWidth > box.clientWidth + 1;
const AT_MOST = 0.45; // of what is seen of a table may be its first column, if that is to stay

/* The first column stays where that leaves room for the others. */
function firstColumnMayStay(box) {
  const first = box.querySelector("tbody tr:not(.section) > :first-child");
  return Boolean(first) && first.offsetWidth <= AT_MOST * box.clientWidth;
}

// All are measured before any is marked: a width that is read after a change lays the whole page out anew.
function markAll() {
  const boxes = [...document.querySelectorAll(SCROLLERS)];
  for (const box of boxes.filter(isTooWide)) box.querySelector(":scope > table")?.classList.add("tight");
  const scrolls = boxes.map(isTooWide);
  boxes.forEach((box, place) => markScrollable(box, scrolls[place]));
  const tables = boxes.filter((box, place) => scrolls[place] && box.querySelector(":scope > table"));
  const sticks = new Set(tables.filter(firstColumnMayStay));
  for (const box of boxes) box.classList.toggle("sticks", sticks.has(box));
}

/* One switch opens the code of every page; it is kept, and works from a file as well. */
const SWITCH = "salvage-book.code";

function kept() {
  try { return localStorage.getItem(SWITCH) === "shown"; } catch { return false; }
}

function keep(shown) {
  try { localStorage.setItem(SWITCH, shown ? "shown" : "folded"); } catch { /* private window: this page only */ }
}

function addCodeSwitch() {
  const code = document.querySelectorAll("article.bd-article details.hide.above-input");
  const place = document.querySelector("article.bd-article h1");
  if (code.length === 0 || !place) return;
  const button = document.createElement("button");
  button.type = "button";
  button.className = "code-switch";
  button.textContent = "Show all code";
  const set = (shown) => {
    button.setAttribute("aria-pressed", String(shown));
    for (const each of code) each.open = shown;
  };
  button.addEventListener("click", () => {
    const shown = button.getAttribute("aria-pressed") !== "true";
    set(shown);
    keep(shown);
    button.scrollIntoView({ block: "nearest" });
  });
  const bar = document.createElement("p");
  bar.className = "code-bar";
  bar.append(button);
  place.after(bar);
  if (kept()) set(true);
  else button.setAttribute("aria-pressed", "false");
}

/* A page of many questions opens as a list of them; each unfolds where it stands, and links into one open it. */
const QUESTIONS = 4; // fewer are no list

function foldQuestions() {
  const heads = [...document.querySelectorAll("article.bd-article section > h2")]
    .filter((head) => head.firstChild && head.firstChild.textContent.trim().endsWith("?"));
  if (heads.length < QUESTIONS) return;
  heads.forEach((head, place) => {
    const inside = document.createElement("div");
    inside.id = `question-${place + 1}`;
    inside.className = "question-inside";
    inside.hidden = true;
    while (head.nextSibling) inside.append(head.nextSibling);
    head.after(inside);
    const button = document.createElement("button");
    button.type = "button";
    button.className = "question-button";
    button.setAttribute("aria-expanded", "false");
    button.setAttribute("aria-controls", inside.id);
    button.append(head.firstChild);
    head.prepend(button);
    button.addEventListener("click", () => showQuestion(inside, inside.hidden));
  });
  const openTarget = () => {
    const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    const inside = target && (target.closest(".question-inside") || target.querySelector(":scope > .question-inside"));
    if (!inside) return;
    showQuestion(inside, true);
    target.scrollIntoView();
  };
  openTarget();
  addEventListener("hashchange", openTarget);
}

function showQuestion(inside, shown) {
  inside.hidden = !shown;
  inside.previousElementSibling.querySelector("button").setAttribute("aria-expanded", String(shown));
  if (shown) markAll();
}

/* Which cohort is read, for the search (scorer.js). */
function noteCohort() {
  const cohort = location.pathname.match(/\/book\/cohorts\/([^/]+)\//)?.[1];
  if (!cohort) return;
  try { localStorage.setItem("salvage-book/cohort", cohort); } catch { /* private window: not kept */ }
}

/* On paper everything that is folded is open; on the screen it is as it was. */
let folded = [];
addEventListener("beforeprint", () => {
  folded = [...document.querySelectorAll("article details:not([open])")];
  for (const each of folded) each.open = true;
});
addEventListener("afterprint", () => { for (const each of folded) each.open = false; });

function start() {
  noteCohort();
  addCodeSwitch();
  foldQuestions();
  document.querySelectorAll("article.bd-article").forEach(keepEquationsTogether);
  document.querySelectorAll("article.bd-article div.cell div.highlight pre").forEach(boxLines);
  keepCodeTogether();
  document.querySelectorAll("article.bd-article table").forEach((table) => {
    plainEmptyHeaders(table);
    if (table.matches(".dataframe, .rows")) {
      alignColumns(table);
      keepSizesTogether(table);
      keepNumbersTogether(table);
      keepSectionsInSight(table);
    }
    breakNames(table);
    wrap(table);
  });
  // The theme's sidebar is a plain div: its logo would stand outside every landmark.
  const sidebar = document.getElementById("pst-primary-sidebar");
  if (sidebar) {
    sidebar.setAttribute("role", "complementary");
    sidebar.setAttribute("aria-label", "Book");
  }
  // The theme's arrows that unfold a part of the contents have no name.
  for (const summary of document.querySelectorAll("#pst-primary-sidebar summary")) {
    const link = summary.closest("li")?.querySelector("a");
    summary.setAttribute("aria-label", `Chapters of ${link ? link.textContent.trim() : "this part"}`);
  }
  markAll();
  // The article follows the window late, so it is the article that is watched.
  const article = document.querySelector("article.bd-article");
  if (article) new ResizeObserver(markAll).observe(article);
  // A folded solution has no width until it is opened ('toggle' does not bubble).
  document.addEventListener("toggle", markAll, true);
}

if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
else start();
addEventListener("load", markAll);
