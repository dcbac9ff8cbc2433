// Rows that are chosen in a list: all of them at once, from one to another, and what is asked for of each.

import { confirmed, segments } from "./actions.js";

const SHOWN = 3; // refusals that are said in full

const boxes = (form) => [...form.querySelectorAll("tbody input[type=checkbox]")];
const chosen = (form) => boxes(form).filter((box) => box.checked);
const counted = (count) => `${count} ${count === 1 ? "run" : "runs"}`;

let last; // that was clicked

function tell(form) {
  const all = boxes(form), count = chosen(form).length, every = form.querySelector(".every input");
  every.checked = count > 0 && count === all.length;
  every.indeterminate = count > 0 && count < all.length;
  form.querySelector(".said").textContent = count ? `${count} chosen` : "";
}

// Answers why it was refused; nothing where it was done.
async function refusal(box, { each, method }) {
  const path = each.replace("{key}", segments(box.value)).replace("{own}", segments(box.dataset.own));
  try {
    const answer = await fetch(path, { method, headers: { "content-type": "application/json" }, body: "{}" });
    if (answer.ok) return "";
    const { error } = await answer.json();
    return error.message;
  } catch (error) {
    return `The server does not answer: ${error.message}.`;
  }
}

async function ask(form, button) {
  const said = form.querySelector(".said"), wanted = chosen(form);
  if (!wanted.length) {
    said.textContent = "Choose a run first.";
    return;
  }
  const { question } = button.dataset, count = counted(wanted.length);
  if (question && !(await confirmed(question.replace("{count}", count), button.textContent))) return;
  const buttons = [...form.querySelectorAll("button")], refused = [];
  for (const each of buttons) each.disabled = true;
  for (const [place, box] of wanted.entries()) {
    said.textContent = `${place + 1} of ${wanted.length} …`;
    const why = await refusal(box, button.dataset);
    if (why) refused.push(why);
    else box.checked = false; // what was refused stays chosen
  }
  for (const each of buttons) each.disabled = false;
  tell(form);
  const done = wanted.length - refused.length;
  const words = [`${button.textContent}: ${counted(done)} done`, ...refused.slice(0, SHOWN)];
  if (refused.length > SHOWN) words.push(`${refused.length - SHOWN} more were refused`);
  if (refused.length) words[0] += `, ${refused.length} refused`;
  said.textContent = words.join(". ").replaceAll("..", ".");
}

document.addEventListener("click", (event) => {
  const form = event.target.closest("form.choice");
  if (!form) return;
  if (event.target.matches("button[data-each]")) ask(form, event.target);
  if (!event.target.matches("tbody input[type=checkbox]")) return;
  const all = boxes(form), from = all.indexOf(last), to = all.indexOf(event.target);
  if (event.shiftKey && from >= 0) {
    for (const box of all.slice(Math.min(from, to), Math.max(from, to) + 1)) box.checked = event.target.checked;
  }
  last = event.target;
});
document.addEventListener("change", (event) => {
  const form = event.target.closest("form.choice");
  if (!form) return;
  if (event.target.matches(".every input")) {
    for (const box of boxes(form)) box.checked = event.target.checked;
  }
  tell(form);
});
