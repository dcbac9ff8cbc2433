// Every page: times as people say them, copy buttons, and pieces that the server sends when they change.

import { counting } from "./duration.js";
import { morph } from "./morph.js";
import { visit } from "./visit.js";

const MINUTE = 60, HOUR = 3600, DAY = 86400;

export function ago(seconds) {
  const far = Math.abs(seconds);
  if (far < 5) return "now";
  const units = [[MINUTE, 1, "s"], [HOUR, MINUTE, "min"], [DAY, HOUR, "h"], [Infinity, DAY, "d"]];
  const [, length, unit] = units.find(([limit]) => far < limit);
  const words = `${Math.floor(far / length)} ${unit}`;
  if (seconds > 0) return `${words} ago`;
  return `in ${far < HOUR ? words : counting(far)}`; // what is to come in 1 h 52 min is not to come in 1 h
}

function tick(root = document) {
  const now = Date.now();
  for (const time of root.querySelectorAll("time[datetime]:not([data-exact])")) {
    const words = ago((now - Date.parse(time.dateTime)) / 1000);
    if (time.textContent !== words) time.textContent = words;
  }
  for (const span of root.querySelectorAll("[data-since]")) {
    const words = counting(Math.max(0, (now - Date.parse(span.dataset.since)) / 1000));
    if (span.textContent !== words) span.textContent = words;
  }
}

async function copy(button, text) {
  const before = button.textContent;
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
  } catch {
    prompt("Copy:", text); // no permission for the clipboard: let the person do it
  }
  if (before !== "Copied") setTimeout(() => (button.textContent = before), 1500);
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-copy], [data-copy-address]");
  if (button) copy(button, button.dataset.copy ?? location.href);
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest?.("input, textarea, select, dialog")) return; // there it is a character
  event.preventDefault();
  document.querySelector("header .find input")?.select();
});

document.addEventListener("formdata", (event) => {
  if (!event.target.matches("form.filters")) return;
  for (const [word, value] of [...event.formData]) if (value === "") event.formData.delete(word); // an address to share is short
});

function take(news) {
  document.title = `${news.title} · Trainshed`;
  morph(document.getElementById("head"), news.head);
  const parts = document.getElementById("parts");
  const known = [...parts.children].map((section) => section.id);
  if (known.join() !== news.order.join()) {
    visit(location.href, { isNew: false }); // a part came or went
    return;
  }
  for (const [id, html] of Object.entries(news.parts)) {
    const section = document.getElementById(id);
    if ("drawsItself" in section.dataset) section.dispatchEvent(new CustomEvent("part", { detail: html }));
    else morph(section, html);
  }
  tick();
}

let events;
addEventListener("pagehide", () => events?.close());

function follow(version) {
  events?.close();
  const connection = document.getElementById("connection");
  connection.textContent = "";
  if (!version) return;
  const address = new URL(location.href);
  address.searchParams.set("live", version);
  events = new EventSource(address);
  events.onopen = () => (connection.textContent = "Live");
  events.onmessage = (event) => take(JSON.parse(event.data));
  events.onerror = () => {
    const isRefused = events.readyState === EventSource.CLOSED; // it answered, and not with news: gone, or signed out
    connection.textContent = isRefused ? "No longer live: reload to see why." : "The server does not answer; trying again…";
  };
  events.addEventListener("end", () => {
    events.close();
    connection.textContent = "";
  });
}

function begin() {
  const address = new URL(location.href);
  address.searchParams.set("format", "json");
  document.getElementById("as-json").href = address;
  tick();
  follow(document.getElementById("parts").dataset.live);
}

document.addEventListener("visited", begin);
setInterval(tick, 1000);
begin();
