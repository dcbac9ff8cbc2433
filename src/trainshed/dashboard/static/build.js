// One build: follows its log and its steps, and filters, wraps and turns the log as asked.

const page = document.getElementById("build");
const log = document.getElementById("log");
const said = document.getElementById("said");
const id = page.dataset.build;
let lines = log.textContent.split("\n");
let label = "";

function draw() {
  const chosen = label ? lines.filter((line) => line.includes(label)) : lines;
  const newest = document.getElementById("newest").checked;
  log.textContent = (newest ? [...chosen].reverse() : chosen).join("\n");
  log.classList.toggle("unwrapped", !document.getElementById("wrap").checked);
}

function choose(button) {
  label = button.dataset.label;
  document.querySelectorAll(".step").forEach((other) => other.setAttribute("aria-pressed", other === button));
  draw();
}

function show(tab) {
  document.querySelectorAll("[role=tab]").forEach((other) => {
    other.setAttribute("aria-selected", other === tab);
    document.getElementById(other.getAttribute("aria-controls")).hidden = other !== tab;
  });
}

// Steps and status change while the build runs: take them from the page as the server draws it now.
async function refresh() {
  const answer = await fetch(location.href);
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const part of ["status", "steps", "panel-details"]) {
    document.getElementById(part).innerHTML = fresh.getElementById(part).innerHTML;
  }
  document.querySelectorAll(".step").forEach((button) => {
    button.setAttribute("aria-pressed", button.dataset.label === label);
  });
  return fresh.getElementById("build").dataset.live === "yes";
}

async function followSteps() {
  while (await refresh()) {
    await new Promise((resolve) => setTimeout(resolve, 700));
  }
}

async function followLog() {
  const answer = await fetch(`/trainshed/v1/builds/${id}/log?follow=true`);
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) break;
    text += value;
    lines = text.split("\n");
    draw();
  }
}

document.getElementById("steps").addEventListener("click", (event) => {
  const button = event.target.closest(".step");
  if (button) choose(button);
});
document.querySelectorAll("[role=tab]").forEach((tab) => tab.addEventListener("click", () => show(tab)));
document.getElementById("wrap").addEventListener("change", draw);
document.getElementById("newest").addEventListener("change", draw);
document.getElementById("copy").addEventListener("click", async () => {
  try {
    await navigator.clipboard.writeText(location.href);
    said.textContent = "Copied.";
  } catch {
    said.textContent = location.href;
  }
});
document.getElementById("rebuild").addEventListener("click", async () => {
  const answer = await fetch(`/v1/projects/-/builds/${id}:retry`, { method: "POST", body: "{}" });
  const document_ = await answer.json();
  if (answer.ok) location.href = `/builds/${document_.metadata.build.id}`;
  else said.textContent = document_.error.message;
});
if (page.dataset.live === "yes") {
  followSteps();
  followLog();
}
