// Tables that can be sorted: a click, or Enter, on a column's head. The order stays when rows change.

const orders = new WeakMap(); // by table: [column, falling]
const compare = new Intl.Collator("en", { numeric: true }).compare;

function order(first, second) {
  const [a, b] = [Number(first), Number(second)];
  return first !== "" && second !== "" && !Number.isNaN(a) && !Number.isNaN(b) ? a - b : compare(first, second);
}

function sort(table) {
  if (!orders.has(table)) return;
  const [column, falling] = orders.get(table);
  const body = table.tBodies[0];
  const key = (row) => row.cells[column].dataset.key;
  const rows = [...body.rows].sort((a, b) => (falling ? order(key(b), key(a)) : order(key(a), key(b)))); // equal ones stay
  if (rows.some((row, place) => row !== body.rows[place])) body.append(...rows);
  [...table.tHead.rows[0].cells].forEach((head, place) => {
    if (place === column) head.setAttribute("aria-sort", falling ? "descending" : "ascending");
    else head.removeAttribute("aria-sort");
  });
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("button.sort");
  if (!button) return;
  const head = button.parentElement;
  const table = head.closest("table");
  const [column, falling] = orders.get(table) ?? [];
  orders.set(table, [head.cellIndex, column === head.cellIndex ? !falling : false]);
  sort(table);
});

const all = () => document.querySelectorAll("table[data-sortable]").forEach(sort);
new MutationObserver(all).observe(document.getElementById("parts"), { childList: true, subtree: true });
