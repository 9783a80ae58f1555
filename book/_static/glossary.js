/* The first use of a term on a page shows its definition on hover and focus, and links to the glossary. */
"use strict";

(() => {
  const terms = window.SALVAGE_TERMS || {};
  const article = document.querySelector("article.bd-article");
  if (!article || location.pathname.endsWith("glossary.html")) return;
  const root = document.documentElement.dataset.content_root || "";
  const NOT_IN = "a, button, code, pre, h1, h2, h3, h4, table, figure, svg, label, legend, summary, form, script, .math, mjx-container, .exercises, .explorer, .aims, .take-away";
  const anchor = (term) => `term-${term.toLowerCase().replace(/[^\p{L}\p{N}]/gu, "-")}`;
  const escaped = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");

  const tip = document.createElement("div");
  tip.id = "term-tip";
  tip.className = "term-tip";
  tip.setAttribute("role", "tooltip");
  tip.hidden = true;
  article.append(tip);

  function show(link) {
    tip.textContent = link.dataset.means;
    tip.hidden = false;
    const box = link.getBoundingClientRect();
    const left = Math.max(8, Math.min(box.left, innerWidth - tip.offsetWidth - 8));
    const below = box.bottom + tip.offsetHeight + 12 < innerHeight;
    tip.style.left = `${left}px`;
    tip.style.top = `${below ? box.bottom + 6 : box.top - tip.offsetHeight - 6}px`;
    link.setAttribute("aria-describedby", tip.id);
  }
  function hide() {
    tip.hidden = true;
    article.querySelector("[aria-describedby=term-tip]")?.removeAttribute("aria-describedby");
  }

  /* All words of running text, once; each term takes the first place that is left. */
  const walker = document.createTreeWalker(article, NodeFilter.SHOW_TEXT, {
    acceptNode: (node) => (node.parentElement.closest(NOT_IN) || !node.data.trim() ? NodeFilter.FILTER_REJECT : NodeFilter.FILTER_ACCEPT),
  });
  const texts = [];
  while (walker.nextNode()) texts.push(walker.currentNode);
  const byLength = Object.keys(terms).sort((a, b) => b.length - a.length);
  for (const term of byLength) {
    const pattern = new RegExp(`(?<![\\p{L}\\p{N}-])${escaped(term)}(?![\\p{L}\\p{N}])`, "u");
    for (let i = 0; i < texts.length; i += 1) {
      const found = pattern.exec(texts[i].data);
      if (!found) continue;
      const rest = texts[i].splitText(found.index);
      const after = rest.splitText(term.length);
      const link = document.createElement("a");
      link.className = "term";
      link.href = `${root}book/generated/glossary.html#${anchor(term)}`;
      link.dataset.means = terms[term];
      rest.replaceWith(link);
      link.append(rest);
      texts.splice(i + 1, 0, after);
      break;
    }
  }
  for (const [on, act] of [["mouseover", show], ["focusin", show]]) {
    article.addEventListener(on, (event) => { const link = event.target.closest?.("a.term"); if (link) act(link); });
  }
  for (const off of ["mouseout", "focusout"]) article.addEventListener(off, hide);
  addEventListener("keydown", (event) => { if (event.key === "Escape") hide(); });
  addEventListener("scroll", hide, { passive: true, capture: true });
})();
