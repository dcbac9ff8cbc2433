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

// The page has another address from now on, and stays as it is.
export function rename(address) {
  history.replaceState(null, "", address);
  if (shown === place()) return; // another place of it
  shown = place();
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
  const sections = [...wanted.children], ids = new Set(sections.map((section) => section.id));
  for (const old of [...parts.children]) if (!ids.has(old.id)) old.remove();
  const known = new Map([...parts.children].map((section) => [section.id, section]));
  let place = parts.firstElementChild;
  for (const section of sections) {
    const old = known.get(section.id);
    if (old && old === place) place = place.nextElementSibling; // what stays where it is keeps the focus
    else if (old) parts.insertBefore(old, place);
    if (!old || old.className !== section.className) {
      const made = document.importNode(section, true);
      if (old) old.replaceWith(made);
      else parts.insertBefore(made, place);
    } else if ("drawsItself" in old.dataset) old.dispatchEvent(new CustomEvent("part", { detail: section.innerHTML }));
    else morph(old, section.innerHTML);
  }
}

addEventListener("popstate", () => {
  if (place() !== shown) visit(location.href, { isNew: false }); // else another place of the same page
});
