/* Search: pages of the cohort that was read last come before those of other cohorts. Sphinx calls this for each result;
   apart from "score" these are its own numbers. (Not html_search_scorer: its path depends on where a build is started.) */
"use strict";

var Scorer = {
  score: ([page, , , , score]) => {
    const cohort = (path) => path.match(/cohorts\/([^/]+)\//)?.[1];
    const theirs = cohort(page);
    if (!theirs) return score;
    let mine = null;
    try { mine = localStorage.getItem("salvage-book/cohort"); } catch { /* not kept */ }
    mine = mine || cohort(document.querySelector("#pst-primary-sidebar a[href*='cohorts/']")?.getAttribute("href") || "");
    return theirs === mine ? score + 20 : score - 20;
  },
  objNameMatch: 11,
  objPartialMatch: 6,
  objPrio: { 0: 15, 1: 5, 2: -5 },
  objPrioDefault: 0,
  title: 15,
  partialTitle: 7,
  term: 5,
  partialTerm: 2,
};
