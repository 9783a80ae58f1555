"use strict";
(() => {
  const slides = [...document.querySelectorAll(".slide")];
  const told = document.querySelector("nav output");
  let now = Math.min(slides.length, Math.max(1, Number(location.hash.slice(1)) || 1)) - 1;
  function show() {
    slides.forEach((slide, i) => slide.classList.toggle("now", i === now));
    told.textContent = `${now + 1} of ${slides.length}`;
    history.replaceState(null, "", `#${now + 1}`);
  }
  function turn(by) { now = Math.min(slides.length - 1, Math.max(0, now + by)); show(); }
  document.body.classList.add("live");
  for (const button of document.querySelectorAll("nav button")) button.addEventListener("click", () => turn(Number(button.dataset.by)));
  addEventListener("keydown", (event) => {
    if (event.target.closest("summary") && [" ", "Enter"].includes(event.key)) return;
    if (["ArrowRight", "PageDown", " "].includes(event.key)) { event.preventDefault(); turn(1); }
    if (["ArrowLeft", "PageUp"].includes(event.key)) { event.preventDefault(); turn(-1); }
  });
  show();
})();
