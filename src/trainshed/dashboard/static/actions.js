// Buttons and forms that ask the server for something: Google's own surface, or ours beside it.

const READ = {
  text: (input) => (input.dataset.prefix ?? "") + input.value,
  integer: (input) => whole(input),
  number: (input) => number(input),
  boolean: (input) => input.checked,
  json: (input) => parsed(input),
  lines: (input) => input.value.split("\n").map((line) => line.trim()).filter(Boolean),
  bytes: (input) => btoa(String.fromCodePoint(...new TextEncoder().encode(input.value))),
};

class Wrong extends Error {}

function label(input) {
  return input.labels[0].firstChild.textContent.trim();
}

function whole(input) {
  if (!/^[+-]?\d+$/.test(input.value.trim())) throw new Wrong(`${label(input)}: ${input.value} is no whole number.`);
  return Number(input.value);
}

function number(input) {
  const found = Number(input.value);
  if (!input.value.trim() || Number.isNaN(found)) throw new Wrong(`${label(input)}: ${input.value} is no number.`);
  return found;
}

function parsed(input) {
  try {
    return JSON.parse(input.value);
  } catch (error) {
    throw new Wrong(`${label(input)}: this is no JSON: ${error.message}.`);
  }
}

// Put a value where its name says: `a.b` is b in a; what is between [ ] may have dots itself.
function put(body, name, value) {
  const path = [...name.matchAll(/\[([^\]]*)\]|([^.[\]]+)/g)].map((found) => found[1] ?? found[2]);
  const last = path.pop();
  const inner = path.reduce((at, step) => (at[step] ??= {}), body);
  inner[last] = value;
}

function filled(form, body) {
  for (const input of form.elements) {
    if (!input.name) continue;
    const isEmpty = input.type !== "checkbox" && !input.value;
    if (isEmpty && !input.required && !("sendsEmpty" in input.dataset)) continue;
    const isNull = isEmpty && !["text", "lines", "bytes"].includes(input.dataset.type);
    put(body, input.name, isNull ? null : READ[input.dataset.type](input));
  }
  return body;
}

async function ask(button, said, form) {
  if (button.dataset.confirm && !(await confirmed(button.dataset.confirm, button.textContent))) return;
  said.textContent = "…";
  button.disabled = true;
  try {
    const body = JSON.parse(button.dataset.body ?? "null") ?? {};
    const wanted = form ? filled(form, body) : body;
    const content = JSON.stringify(wanted);
    const { method, path: where, then } = button.dataset;
    const path = where.replace(/\{([\w.]+)\}/g, (_, name) => at(wanted, name)); // {name} of a form is in its address
    const headers = { "content-type": "application/json" };
    const answer = await fetch(path, { method, headers, body: method === "GET" ? undefined : content });
    const text = await answer.text();
    const found = text && answer.headers.get("content-type")?.includes("json") ? JSON.parse(text) : {};
    if (!answer.ok) throw new Wrong(found.error?.message ?? `${answer.status} ${text.slice(0, 200)}`);
    said.textContent = "Done.";
    button.dispatchEvent(new CustomEvent("answered", { detail: found, bubbles: true }));
    if (then) location.href = then.replace(/\{([\w.]+)\}/g, (_, path_) => at(found, path_));
    else if (!document.getElementById("parts").dataset.live) location.reload();
  } catch (error) {
    said.textContent = error instanceof Wrong ? error.message : `The server does not answer: ${error.message}.`;
  } finally {
    button.disabled = false;
  }
}

function at(document_, path) {
  return path.split(".").reduce((inner, step) => inner?.[step], document_) ?? "";
}

function confirmed(question, yes) {
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
  ask(form.querySelector("button[data-path]"), form.querySelector(".said"), form);
});
