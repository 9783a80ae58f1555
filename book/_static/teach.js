/* Exercises: checks an answer, keeps it in this browser, saves and prints it. No requests, no dependencies;
   without it the questions stand there with their answers folded away. */
"use strict";

(() => {
  const box = document.querySelector(".exercises");
  if (!box) return;
  const KEY = `salvage-book/answers/${box.dataset.cohort}/${box.dataset.chapter}`;
  const PREDICT = "salvage-book/predict";
  const forms = [...box.querySelectorAll("form.exercise")];

  /* Browsers may refuse to keep anything (private windows, file:// in some); the page works all the same. */
  const recall = (key) => { try { return localStorage.getItem(key); } catch { return null; } };
  const keep = (key, value) => { try { localStorage.setItem(key, value); } catch { /* not kept */ } };
  const kept = () => { try { return JSON.parse(recall(KEY)) || {}; } catch { return {}; } };

  const parse = (text) => {
    const plain = text.trim().replace(/[−–]/g, "-").replace(",", ".").replace(/\s*(%|months?|Gy)$/i, "");
    return /^[+-]?(\d+\.?\d*|\.\d+)$/.test(plain) ? Number(plain) : NaN;
  };
  const fields = (form) => [...form.querySelectorAll("input, select")];
  const radios = (form) => [...form.querySelectorAll("input[type=radio]")];
  const asked = (form) => form.querySelector("legend").textContent.replace(/^\d+\s*/, "").trim();
  const saysOf = (field) => field.closest("label").querySelector("span").textContent.trim();

  /* What was answered, as it is kept: a text, or one for each place. */
  function answerOf(form) {
    if (form.dataset.kind === "number") return form.elements.answer.value.trim();
    if (form.dataset.kind === "choice") return radios(form).find((each) => each.checked)?.value || "";
    return fields(form).filter((each) => each.tagName === "SELECT").map((each) => each.value);
  }

  const isEmpty = (answer) => (Array.isArray(answer) ? answer.some((each) => !each) : !answer);

  function inWords(form) {
    const answer = answerOf(form);
    if (isEmpty(answer)) return "";
    if (form.dataset.kind === "number") return answer;
    if (form.dataset.kind === "choice") return saysOf(radios(form).find((each) => each.checked));
    const selects = fields(form).filter((each) => each.tagName === "SELECT");
    return selects.sort((a, b) => a.value - b.value).map(saysOf).join(" > ");
  }

  function restore(form, answer) {
    if (answer === undefined) return;
    if (form.dataset.kind === "number") form.elements.answer.value = answer;
    else if (form.dataset.kind === "choice") for (const each of radios(form)) each.checked = each.value === answer;
    else fields(form).filter((each) => each.tagName === "SELECT").forEach((each, i) => { each.value = answer[i] || ""; });
  }

  const hasKey = (form) => form.querySelector(".exercise-answer") !== null;

  /* true, false, or null where the page does not know (the student edition) */
  function isRight(form) {
    if (!hasKey(form)) return null;
    if (form.dataset.kind === "number") {
      return Math.abs(parse(answerOf(form)) - Number(form.dataset.value)) <= Number(form.dataset.within) + 1e-9;
    }
    if (form.dataset.kind === "choice") return radios(form).some((each) => each.checked && "right" in each.dataset);
    return fields(form).filter((each) => each.tagName === "SELECT").every((each) => each.value === each.dataset.place);
  }

  const why = (form) => form.querySelector(".exercise-answer > p").textContent.trim();

  function judge(form) {
    const said = form.querySelector(".exercise-said");
    const answer = answerOf(form);
    form.classList.remove("is-right", "is-wrong");
    if (isEmpty(answer)) { said.textContent = "Answer first."; return; }
    if (form.dataset.kind === "number" && Number.isNaN(parse(answer))) { said.textContent = "Write a number."; return; }
    const right = isRight(form);
    if (right === null) { said.textContent = "Kept."; return; }
    form.classList.add(right ? "is-right" : "is-wrong");
    if (form.closest("[data-part=predict]")) {
      said.textContent = `${right ? "Near enough." : "Not quite."} ${why(form)}`;
      return;
    }
    const hint = form.dataset.kind === "choice" ? radios(form).find((each) => each.checked).dataset.why
      : form.dataset.kind === "order" ? "Look again at the two ends of your order." : "Look again, or open the answer.";
    said.textContent = right ? `Right. ${why(form)}` : `Not yet. ${hint}`;
  }

  function tally() {
    for (const part of box.querySelectorAll(".exercise-part")) {
      const mine = [...part.querySelectorAll("form.is-right, form.is-wrong")];
      const title = part.querySelector(".exercise-title");
      title.querySelector(".exercise-score")?.remove();
      if (!mine.length) continue;
      const score = document.createElement("span");
      score.className = "exercise-score";
      score.textContent = `${part.querySelectorAll("form.is-right").length} of ${part.querySelectorAll("form.exercise").length} right`;
      title.append(" ", score);
    }
  }

  function note(form) {
    const all = kept();
    all[form.id] = { answer: answerOf(form), checked: form.matches(".is-right, .is-wrong") };
    keep(KEY, JSON.stringify(all));
  }

  const all = kept();
  for (const form of forms) {
    form.querySelector(".exercise-check").hidden = false;
    if (all[form.id]) {
      restore(form, all[form.id].answer);
      if (all[form.id].checked) judge(form);
    }
    form.addEventListener("submit", (event) => { event.preventDefault(); judge(form); note(form); tally(); });
    form.addEventListener("change", () => {
      form.classList.remove("is-right", "is-wrong");
      form.querySelector(".exercise-said").textContent = "";
      note(form);
      tally();
    });
  }
  tally();

  /* --- save, print, start again -------------------------------------------------------------------- */

  const cell = (text) => `"${(/^[=+@\t]/.test(text) ? `'${text}` : text).replace(/"/g, '""')}"`;

  function table() {
    const lines = [["cohort", "chapter", "question", "asked", "answer", "right"]];
    for (const form of forms) {
      const answer = inWords(form);
      const right = answer === "" ? "" : isRight(form);
      const verdict = right === null ? "" : right === "" ? "" : right ? "yes" : "no";
      lines.push([box.dataset.cohort, box.dataset.chapter, form.id, asked(form), answer, verdict]);
    }
    return lines.map((line) => line.map(cell).join(",")).join("\r\n") + "\r\n";
  }

  function save() {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob(["\ufeff", table()], { type: "text/csv" }));
    link.download = `answers-${box.dataset.chapter}.csv`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  }

  function startAgain() {
    try { localStorage.removeItem(KEY); } catch { /* nothing was kept */ }
    for (const form of forms) {
      form.reset();
      form.classList.remove("is-right", "is-wrong");
      form.querySelector(".exercise-said").textContent = "";
    }
    tally();
  }

  const bar = document.createElement("p");
  bar.className = "exercise-bar";
  for (const [label, act] of [["Save my answers", save], ["Print", () => print()], ["Start again", startAgain]]) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = label;
    button.addEventListener("click", act);
    bar.append(button, " ");
  }
  bar.append("Your answers stay in this browser.");
  box.append(bar);

  /* --- predict before you look: what tells the answer stays covered until there is a guess ---------- */

  const predictions = forms.filter((form) => form.dataset.section);
  const part = box.querySelector("[data-part=predict]");
  if (!part) return;

  const headings = [...document.querySelectorAll("article :is(h2, h3)")];
  const title = (heading) => heading.firstChild.textContent.trim();

  /* What a prediction covers: the figure of its section, what is said below it, and the answer that opens the page. */
  function coveredBy(form) {
    const first = form.dataset.section === "Opening";
    const section = first ? document.querySelector("article section")
      : headings.find((heading) => title(heading) === form.dataset.section)?.closest("section");
    const answer = first ? document.querySelector("article .opening .answer") : null;
    const figure = [...(section?.querySelectorAll("figure") || [])].find((each) => each.closest("section") === section);
    const below = [];
    const cell = figure?.closest(".cell");
    for (const each of cell?.querySelectorAll(".output") || []) {
      if (figure.compareDocumentPosition(each) & Node.DOCUMENT_POSITION_FOLLOWING && !figure.contains(each)) below.push(each);
    }
    for (let next = cell?.nextElementSibling; next?.matches(".cell"); next = next.nextElementSibling) below.push(next);
    return { form, answer, figure, hidden: [figure, answer, ...below].filter(Boolean) };
  }

  function cover({ form, answer, figure, hidden }) {
    if (form.closest(".prediction-cover")) return;
    const covered = document.createElement("div");
    covered.className = "prediction-cover";
    const curtain = document.createElement("div");
    curtain.className = "prediction";
    const show = document.createElement("button");
    show.type = "button";
    show.textContent = "Just show me";
    if (figure) figure.before(covered); else answer.closest(".opening").after(covered);
    covered.append(curtain, ...(figure ? [figure] : []));
    curtain.append(form);
    form.querySelector(".exercise-check").append(show);
    for (const each of hidden) each.hidden = true;
    const reveal = () => { for (const each of hidden) each.hidden = false; show.remove(); };
    show.addEventListener("click", reveal);
    form.addEventListener("submit", () => { if (!isEmpty(answerOf(form))) reveal(); });
  }

  const places = predictions.map(coveredBy).filter(({ figure, answer }) => figure || answer);
  if (!places.length) return;
  const label = document.createElement("label");
  label.className = "prediction-switch";
  const tick = document.createElement("input");
  tick.type = "checkbox";
  tick.checked = recall(PREDICT) === "yes";
  label.append(tick, " Let me guess first: answers stay covered until I have");
  const opening = document.querySelector("article .opening");
  if (opening) opening.before(label);
  else document.querySelector("article h1").after(label);
  if (places.length === predictions.length) part.hidden = true;  // each has its place in the chapter
  const coverAll = () => { for (const place of places) cover(place); };
  tick.addEventListener("change", () => {
    keep(PREDICT, tick.checked ? "yes" : "no");
    if (tick.checked) coverAll();
    else for (const { hidden } of places) for (const each of hidden) each.hidden = false;
  });
  if (tick.checked) coverAll();
})();
