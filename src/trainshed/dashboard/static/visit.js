// Another address of the same page without leaving it: parts that stay keep what a person did to them, what draws itself
// takes what is new. Back and forward work as they do with links.

import { morph } from "./morph.js";

const place = () => location.pathname + location.search;
let latest = 0;
let shown = place();

export async function visit(href, { isNew = true } = {}) {
  const number = ++latest;
  let answer;
  try {
    answer = await fetch(href, { headers: { accept: "text/html" } });
  } catch {
    // the browser says better what is wrong
  }
  if (number !== latest) return; // somebody was quicker
  if (!answer?.ok) {
    if (location.hash && new URL(href, location.href).href === location.href) location.reload();
    else location.href = href;
    return;
  }
  const found = new DOMParser().parseFromString(await answer.text(), "text/html");
  if (number !== latest) return;
  if (isNew) history.pushState(null, "", href);
  shown = place();
  document.title = found.title;
  morph(document.getElementById("head"), found.getElementById("head").innerHTML);
  await modules(found);
  if (number !== latest) return;
  show(document.getElementById("parts"), found.getElementById("parts"));
  document.dispatchEvent(new Event("visited"));
}

async function modules(found) {
  const known = new Set([...document.querySelectorAll("script[type=module]")].map((script) => script.getAttribute("src")));
  for (const script of found.querySelectorAll("head script[type=module]")) {
    const address = script.getAttribute("src");
    if (known.has(address)) continue;
    await import(address);
    const mark = document.createElement("script"); // it has run; a second visit must not look for it again
    mark.type = "module";
    mark.src = address;
    document.head.append(mark);
  }
}

function show(parts, wanted) {
  parts.className = wanted.className;
  delete parts.dataset.live;
  if (wanted.dataset.live) parts.dataset.live = wanted.dataset.live;
  const known = new Map([...parts.children].map((section) => [section.id, section]));
  for (const section of [...wanted.children]) {
    const old = known.get(section.id);
    known.delete(section.id);
    if (!old || old.className !== section.className) {
      old?.remove();
      parts.append(document.importNode(section, true));
      continue;
    }
    parts.append(old);
    if ("drawsItself" in old.dataset) old.dispatchEvent(new CustomEvent("part", { detail: section.innerHTML }));
    else morph(old, section.innerHTML);
  }
  for (const gone of known.values()) gone.remove();
}

addEventListener("popstate", () => {
  if (place() !== shown) visit(location.href, { isNew: false }); // else another place of the same page
});
