// Bars of what still runs grow until the server says that it is over; all of them share one axis. A step is chosen
// without leaving the page.

import { visit } from "./visit.js";

const WIDTH = 1000, LEAST = 6;

function draw(list) {
  const now = (Date.now() - Date.parse(list.dataset.origin)) / 1000;
  const stretches = [...list.querySelectorAll(".stretch")];
  const ends = stretches.map((one) => (one.dataset.end === "" ? now : Number(one.dataset.end)));
  const whole = Math.max(now, 0.001, ...ends); // clocks of two machines may differ
  stretches.forEach((one, place) => {
    const start = Math.min(Number(one.dataset.start), whole);
    const width = Math.max((WIDTH * (ends[place] - start)) / whole, LEAST);
    one.setAttribute("x", Math.max(0, Math.min((WIDTH * start) / whole, WIDTH - width)).toFixed(1));
    one.setAttribute("width", width.toFixed(1));
  });
}

const growing = () => document.querySelectorAll("ol.build-steps[data-length='']").forEach(draw);
growing();
setInterval(growing, 500);
new MutationObserver(growing).observe(document.getElementById("parts"), {
  childList: true, subtree: true, attributes: true, attributeFilter: ["data-end", "data-length"],
});
document.addEventListener("click", (event) => {
  const link = event.target.closest(".build-steps a");
  if (!link || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  visit(link.href);
});
