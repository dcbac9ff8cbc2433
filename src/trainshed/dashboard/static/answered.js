// What came of an event that was sent from the page: the answer, how it ended, and what was printed meanwhile.

import { duration } from "./duration.js";

function made(name, text = "", className = "") {
  const element = document.createElement(name);
  element.textContent = text;
  if (className) element.className = className;
  return element;
}

function facts(place, detail) {
  const { invocation } = detail, list = made("dl");
  const log = made("a", detail.executionId);
  log.href = `${place.dataset.logs}&execution=${encodeURIComponent(detail.executionId)}`;
  const values = [
    ["Outcome", made("span", invocation.state, `badge ${invocation.state.toLowerCase()}`)],
    ["Duration", made("span", invocation.durationMillis === null ? "–" : duration(invocation.durationMillis / 1000))],
    ["Memory", made("span", invocation.memoryBytes ? `${(invocation.memoryBytes / 1048576).toFixed(1)} MiB` : "–")],
    ["Version", made("span", String(invocation.version))],
    ["Execution", log],
  ];
  for (const [label, value] of values) {
    const said = made("dd");
    said.append(value);
    list.append(made("dt", label), said);
  }
  return list;
}

function box(label, text) {
  const heading = made("h3", label), shown = made("pre", text);
  shown.tabIndex = 0;
  return [heading, shown];
}

async function printed(place, execution) {
  const address = new URL(place.dataset.log, location.href);
  address.searchParams.set("executionId", execution);
  address.searchParams.set("limit", "500");
  const answer = await fetch(address);
  const { entries = [] } = answer.ok ? await answer.json() : {};
  return entries.map((entry) => `${entry.time.slice(11, 23)} ${entry.severity.padEnd(8)} ${entry.text}`).join("\n");
}

document.addEventListener("answered", async ({ detail }) => {
  const place = document.querySelector("div.answered");
  if (!place || !detail.executionId) return;
  const shown = "error" in detail ? box("Error", detail.error) : box("Result", detail.result || "(nothing)");
  const log = await printed(place, detail.executionId);
  place.replaceChildren(facts(place, detail), ...shown, ...box("Log", log || "Nothing was printed."));
});
