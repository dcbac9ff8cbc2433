// Charts: the values under the pointer, or where the arrow keys went, stand in the legend; without either, the latest.

import { morph } from "./morph.js";

const pointed = new WeakMap(); // by section: the words of the row that is pointed at
const STEPS = { ArrowLeft: -1, ArrowRight: 1, ArrowDown: -1, ArrowUp: 1, PageUp: -10, PageDown: 10, Home: -Infinity, End: Infinity };

function parts(section) {
  const figure = section.querySelector("figure.chart");
  if (!figure) return null;
  const slider = figure.querySelector(".plot");
  return { figure, slider, area: figure.querySelector(".area"), points: JSON.parse(figure.dataset.points) };
}

function words(figure, row) {
  return [...figure.querySelector("tbody").rows[row].cells].map((cell) => cell.textContent);
}

function say(section, place) {
  const { figure, slider, points } = parts(section);
  const at = figure.querySelector(".at"), values = [...figure.querySelectorAll(".legend .value")];
  const cursor = figure.querySelector(".cursor");
  if (place === null) {
    pointed.delete(section);
    at.textContent = at.dataset.latest;
    for (const value of values) value.textContent = value.dataset.latest;
    cursor.setAttribute("visibility", "hidden");
    return;
  }
  const [x, ...row] = words(figure, points.rows[place]);
  pointed.set(section, { x, place });
  at.textContent = x;
  values.forEach((value, number) => (value.textContent = row[number]));
  const y = points.y ? `M0 ${points.y[place]}H1000` : "";
  cursor.setAttribute("d", `M${points.x[place]} 0V200${y}`);
  cursor.setAttribute("visibility", "visible");
  slider.setAttribute("aria-valuenow", place);
  slider.setAttribute("aria-valuetext", `${x}: ${values.map((value) => `${label(value)} ${value.textContent}`).join(", ")}`);
}

function label(value) {
  return value.previousSibling.textContent.trim();
}

function nearest({ area, points }, event) {
  const box = area.getBoundingClientRect();
  const x = (event.clientX - box.left) / box.width, y = (event.clientY - box.top) / box.height;
  let best = 0, least = Infinity;
  points.x.forEach((at, place) => {
    const distance = Math.hypot((at / 1000 - x) * box.width, points.y ? (points.y[place] / 200 - y) * box.height : 0);
    if (distance < least) [best, least] = [place, distance];
  });
  return best;
}

// Parts come and go while one stays on a page: the document hears it all.
function hear(kind, act) {
  document.addEventListener(kind, (event) => {
    const section = event.target.closest?.("section.chart");
    if (section && parts(section)) act(section, event);
  }, true);
}

for (const kind of ["pointermove", "pointerdown"]) {
  hear(kind, (section, event) => {
    if (event.target.closest(".plot")) say(section, nearest(parts(section), event));
  });
}
// What is behind the values that are pointed at is a link in their row.
function open(section) {
  const { figure, points } = parts(section);
  const place = pointed.get(section)?.place;
  if (place !== undefined) figure.querySelector("tbody").rows[points.rows[place]].querySelector("a")?.click();
}

// A finger points by touching: it goes on by the table.
hear("click", (section, event) => event.target.closest(".plot") && event.pointerType !== "touch" && open(section));
hear("pointerout", (section, event) => {
  if (!section.contains(event.relatedTarget)) say(section, null);
});
hear("focusout", (section, event) => event.target.matches(".plot") && say(section, null));
hear("keydown", (section, event) => {
  if (event.target.matches(".plot") && event.key === "Enter") return open(section);
  if (!event.target.matches(".plot") || !(event.key in STEPS || event.key === "Escape")) return;
  event.preventDefault();
  if (event.key === "Escape") return say(section, null);
  const last = parts(section).points.x.length - 1;
  const from = pointed.get(section)?.place ?? (STEPS[event.key] < 0 ? last + 1 : -1);
  say(section, Math.min(last, Math.max(0, from + STEPS[event.key])));
});

// What is pointed at stays so while the chart moves on below it.
function take(section, html) {
  const before = pointed.get(section);
  morph(section, html);
  const now = parts(section);
  if (!before || !now) return;
  const place = now.points.rows.findIndex((row) => words(now.figure, row)[0] === before.x);
  say(section, place < 0 ? null : place);
}

document.addEventListener("part", (event) => {
  if (event.target.matches("section.chart")) take(event.target, event.detail);
}, true);
