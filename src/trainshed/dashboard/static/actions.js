// Buttons and forms that ask the server for something: Google's own surface, or ours beside it.

import { rename, visit } from "./visit.js";

const PAUSE = 400; // milliseconds without a key, after which it is looked again

const READ = {
  text: (input) => (input.dataset.prefix ?? "") + input.value,
  integer: (input) => whole(input),
  number: (input) => number(input),
  boolean: (input) => input.checked,
  json: (input) => parsed(input),
  lines: (input) => input.value.split("\n").map((line) => line.trim()).filter(Boolean),
  bytes: (input) => btoa(String.fromCodePoint(...new TextEncoder().encode(input.value))),
};

class Wrong extends Error {
  constructor(message, blames = []) {
    super(message);
    this.blames = blames; // the fields that it is about, each with what is wrong with it
  }
}

function wrong(input, message) {
  return new Wrong(message, [[input, message]]);
}

function label(input) {
  return input.labels[0].firstChild.textContent.trim();
}

function whole(input) {
  const text = input.value.trim(), found = Number(text);
  if (!/^[+-]?\d+$/.test(text)) throw wrong(input, `${label(input)}: ${input.value} is no whole number.`);
  if (!Number.isSafeInteger(found)) throw wrong(input, `${label(input)}: ${text} is too large to be sent exactly.`);
  return found;
}

function number(input) {
  const found = Number(input.value);
  if (!input.value.trim() || !Number.isFinite(found)) throw wrong(input, `${label(input)}: ${input.value} is no number.`);
  return found;
}

function parsed(input) {
  try {
    return JSON.parse(input.value);
  } catch (error) {
    throw wrong(input, `${label(input)}: this is no JSON: ${error.message}.`);
  }
}

// `a.b` is b in a; what is between [ ] may have dots itself.
function steps(name) {
  return [...name.matchAll(/\[([^\]]*)\]|([^.[\]]+)/g)].map((found) => found[1] ?? found[2]);
}

// Put a value where its name says.
function put(body, name, value) {
  const path = steps(name);
  const last = path.pop();
  const inner = path.reduce((at, step) => (at[step] ??= {}), body);
  inner[last] = value;
}

function filled(form, body) {
  const blames = [];
  for (const input of form.elements) {
    if (!input.name || !input.dataset.type) continue;
    const isEmpty = input.type !== "checkbox" && !input.value;
    if (isEmpty && !input.required && !("sendsEmpty" in input.dataset)) continue;
    const isNull = isEmpty && !["text", "lines", "bytes"].includes(input.dataset.type);
    try {
      put(body, input.name, isNull ? null : READ[input.dataset.type](input));
    } catch (error) {
      if (!(error instanceof Wrong)) throw error;
      blames.push(...error.blames);
    }
  }
  if (blames.length) throw new Wrong(blames.map(([, words]) => words).join("\n"), blames);
  return body;
}

// What the server says of a field belongs to it; of what is inside a value, to the value.
function blamed(form, error) {
  const said = error?.details?.flatMap((detail) => detail.fieldViolations ?? []) ?? [];
  const found = [];
  for (const input of form?.elements ?? []) {
    const name = input.name && steps(input.name).join(".");
    const mine = name && said.find(({ field }) => `${steps(field).join(".")}.`.startsWith(`${name}.`));
    if (mine) found.push([input, said.length === 1 ? error.message : mine.description]);
  }
  return found;
}

function blame(input, message) {
  const words = document.createElement("span");
  words.className = "note wrong";
  words.id = `${input.id}-wrong`;
  words.textContent = message;
  input.after(words);
  input.setAttribute("aria-invalid", "true");
  input.setAttribute("aria-describedby", [words.id, input.getAttribute("aria-describedby")].filter(Boolean).join(" "));
}

function forgive(form) {
  for (const input of form?.querySelectorAll("[aria-invalid]") ?? []) {
    const [id, ...others] = input.getAttribute("aria-describedby").split(" ");
    document.getElementById(id)?.remove();
    input.removeAttribute("aria-invalid");
    if (others.length) input.setAttribute("aria-describedby", others.join(" "));
    else input.removeAttribute("aria-describedby");
  }
}

// The address that shows what would become of a form, as the browser itself would make it.
function looked(form) {
  const button = form.querySelector("button[data-look]"), address = new URL(form.action);
  address.search = new URLSearchParams([...new FormData(form), [button.name, button.value]]);
  return address;
}

async function look(form) {
  forgive(form);
  await visit(looked(form));
  document.getElementById(new URL(form.action).hash.slice(1))?.scrollIntoView({ block: "nearest" });
}

// What is shown follows what is typed, once somebody has asked for it.
let typed;
function follow(form) {
  const { name } = form.querySelector("button[data-look]");
  if (!new URL(location.href).searchParams.has(name)) return;
  clearTimeout(typed);
  typed = setTimeout(async () => {
    const address = looked(form);
    await visit(address, { isNew: false });
    rename(address);
  }, PAUSE);
}

async function ask(button, said, form) {
  if (button.dataset.confirm && !(await confirmed(question(button, form), button.textContent))) return;
  said.textContent = "…";
  forgive(form);
  button.disabled = true;
  try {
    const body = JSON.parse(button.dataset.body ?? "null") ?? {};
    const wanted = form ? filled(form, body) : body;
    const content = JSON.stringify(wanted);
    const { method, path: where, then } = button.dataset;
    const path = where.replace(/\{([\w.]+)\}/g, (_, name) => segments(at(wanted, name))); // {name} of a form is in its address
    const headers = { "content-type": "application/json" };
    const answer = await fetch(path, { method, headers, body: method === "GET" ? undefined : content });
    const text = await answer.text();
    const found = text && answer.headers.get("content-type")?.includes("json") ? JSON.parse(text) : {};
    if (!answer.ok) throw new Wrong(found.error?.message ?? `${answer.status} ${text.slice(0, 200)}`, blamed(form, found.error));
    said.textContent = "Done.";
    button.dispatchEvent(new CustomEvent("answered", { detail: found, bubbles: true }));
    if (then) location.href = then.replace(/\{([\w.]+)\}/g, (_, path_) => segments(at(found, path_)));
    else if (!document.getElementById("parts").dataset.live) location.reload();
  } catch (error) {
    said.textContent = error instanceof Wrong ? error.message : `The server does not answer: ${error.message}.`;
    for (const [input, words] of error.blames ?? []) blame(input, words);
    error.blames?.[0]?.[0].focus();
  } finally {
    button.disabled = false;
  }
}

// What somebody typed, as a part of an address: nothing of it may end the path; slashes of names stay.
export function segments(text) {
  return String(text).split("/").map(encodeURIComponent).join("/");
}

function at(document_, path) {
  return path.split(".").reduce((inner, step) => inner?.[step], document_) ?? "";
}

// What is asked before, with what is typed or chosen in the place of {FIELD}.
function question(button, form) {
  const typed = new FormData(form ?? undefined);
  return button.dataset.confirm.replace(/\{([\w.]+)\}/g, (whole, name) => typed.get(name) ?? whole);
}

export function confirmed(question, yes) {
  const dialog = document.createElement("dialog");
  const words = document.createElement("p");
  words.textContent = question;
  const form = document.createElement("form");
  form.method = "dialog";
  for (const [value, text] of [["no", "Leave it"], ["yes", yes]]) {
    const button = document.createElement("button");
    button.value = value;
    button.textContent = text;
    if (value === "yes") button.className = "grave";
    form.append(button);
  }
  dialog.setAttribute("aria-label", question);
  dialog.append(words, form);
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue === "yes");
    });
  });
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-path][type=button]");
  if (button) ask(button, button.parentElement.querySelector(".said"));
});
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.matches("form.asks")) return;
  event.preventDefault();
  if (event.submitter && "look" in event.submitter.dataset) {
    look(form);
    return;
  }
  ask(form.querySelector("button[data-path]"), form.querySelector(".said"), form);
});
document.addEventListener("input", (event) => {
  const form = event.target.form;
  if (form?.querySelector("button[data-look]")) follow(form);
});
