// One line of a log as an element. Text comes in by textContent alone; classes are names of the server's own list.

const CLASSES = /^(?:(?:bold|faint|italic|underline|inverse|struck|soft|(?:on-)?(?:red|green|yellow|blue|magenta|cyan))(?: |$))*$/;

export function plain(text) {
  return typeof text === "string" ? text : text.map(([piece]) => piece).join("");
}

export function row(line, needle) {
  const element = document.createElement("div");
  element.className = "log-row";
  const number = document.createElement("a");
  number.className = "log-number";
  number.tabIndex = -1; // thousands of stops for the Tab key help nobody
  const text = document.createElement("span");
  text.className = "log-text";
  element.append(number, text);
  numbered(element, line);
  fill(text, line.text, needle);
  return element;
}

export function numbered(element, line) {
  const number = element.firstElementChild;
  element.id = line.number === null ? "" : `L${line.number}`;
  number.textContent = line.number ?? "·";
  number.href = anchor(line);
  number.setAttribute("aria-label", line.number === null ? "This line" : `Line ${line.number}`);
}

// A line's own address: by its number, or by its place while lines are not counted that far.
export function anchor(line) {
  return line.number === null ? `#B${line.offset}` : `#L${line.number}`;
}

export function fill(element, text, needle) {
  const spans = typeof text === "string" ? [[text, ""]] : text;
  const nodes = [];
  let place = 0;
  const marks = needle ? occurrences(plain(text), needle) : [];
  for (const [piece, classes] of spans) {
    nodes.push(...marked(piece, place, marks).map((node) => dressed(node, classes)));
    place += piece.length;
  }
  element.replaceChildren(...nodes);
}

function dressed(node, classes) {
  if (!classes || !CLASSES.test(classes)) return node;
  const span = document.createElement("span");
  span.className = classes;
  span.append(node);
  return span;
}

function occurrences(text, needle) {
  const found = [];
  const low = text.toLowerCase();
  for (let at = low.indexOf(needle); at >= 0 && found.length < 500; at = low.indexOf(needle, at + needle.length)) {
    found.push([at, at + needle.length]);
  }
  return found;
}

// Cut a piece that begins at `place` of its line where marks begin and end.
function marked(piece, place, marks) {
  const nodes = [];
  let at = 0;
  for (const [from, to] of marks) {
    const begin = Math.max(from - place, at);
    const end = Math.min(to - place, piece.length);
    if (end <= begin) continue;
    if (begin > at) nodes.push(document.createTextNode(piece.slice(at, begin)));
    const mark = document.createElement("mark");
    mark.textContent = piece.slice(begin, end);
    nodes.push(mark);
    at = end;
  }
  if (at < piece.length) nodes.push(document.createTextNode(piece.slice(at)));
  return nodes;
}
