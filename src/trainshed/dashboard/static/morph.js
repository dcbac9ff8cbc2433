// Makes an element look like new HTML while keeping what a person did to it: focus, selection, what is folded open,
// how far it is scrolled, and what it was answered. Nodes are matched in order, those with a key (id or data-key-of) by their key.

const KEPT = { DETAILS: ["open"], DIALOG: ["open"], INPUT: ["checked", "value"], TEXTAREA: [], SELECT: [] };

export function morph(element, html) {
  const wanted = document.createElement("template");
  wanted.innerHTML = html;
  children(element, wanted.content);
}

function key(node) {
  return node.nodeType === Node.ELEMENT_NODE ? node.id || node.dataset.keyOf || "" : "";
}

function children(old, wanted) {
  const keyed = new Map([...old.childNodes].filter(key).map((node) => [key(node), node]));
  let place = old.firstChild;
  for (const node of [...wanted.childNodes]) {
    let match = key(node) ? keyed.get(key(node)) : place;
    if (match && !alike(match, node)) match = null;
    if (!match) {
      old.insertBefore(node, place);
      continue;
    }
    if (match !== place) old.insertBefore(match, place);
    else place = place.nextSibling;
    update(match, node);
  }
  while (place) {
    const next = place.nextSibling;
    place.remove();
    place = next;
  }
}

function alike(old, wanted) {
  return old.nodeType === wanted.nodeType && old.nodeName === wanted.nodeName && key(old) === key(wanted);
}

function update(old, wanted) {
  if (old.nodeType !== Node.ELEMENT_NODE) {
    if (old.nodeValue !== wanted.nodeValue) old.nodeValue = wanted.nodeValue;
    return;
  }
  if (old.matches(".said")) return; // what came of a button is news for who pressed it, whatever else changes
  const kept = KEPT[old.nodeName] ?? [];
  for (const { name } of [...old.attributes]) {
    if (!wanted.hasAttribute(name) && !kept.includes(name) && name !== "title") old.removeAttribute(name);
  }
  for (const { name, value } of [...wanted.attributes]) {
    if (!kept.includes(name) && old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
  if ("drawsItself" in old.dataset) return; // its script has filled it
  if (old !== document.activeElement || !(old.nodeName in KEPT)) children(old, wanted);
}
