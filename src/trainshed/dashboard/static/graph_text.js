// Cuts words so that they fit into a box. Words are measured: letters are as wide as the reader's fonts make them.

const context = document.createElement("canvas").getContext("2d");
const fonts = {};

// A text of one of two kinds, label or text, as far as there is room; its end stays, which is what tells names apart.
export function fit(text, kind, room) {
  context.font = fonts[kind] ??= font(kind);
  if (context.measureText(text).width <= room) return text;
  let [least, most] = [0, text.length];
  while (least < most) {
    const middle = Math.ceil((least + most) / 2);
    if (context.measureText(cut(text, middle)).width <= room) least = middle;
    else most = middle - 1;
  }
  return cut(text, least);
}

// The first of several ways to say the same for which there is room; of the last one, as much as there is room for.
export function choose(texts, kind, room) {
  context.font = fonts[kind] ??= font(kind);
  return texts.find((text) => context.measureText(text).width <= room) ?? fit(texts.at(-1), kind, room);
}

// What is said beside a state, where there is little room: "attempt 3" as "try 3"; of many, how many are in that state:
// "2 failed, 98 succeeded" beside FAILED as "2 of 100".
export function brief(note, state) {
  const counts = [...note.matchAll(/(\d+) ([a-z ]+)/g)].map(([, count, word]) => [Number(count), word]);
  if (!counts.length) return note.replace(/^attempt /, "try ");
  const total = counts.reduce((sum, [count]) => sum + count, 0);
  const [mine] = counts.find(([, word]) => word === state.toLowerCase().replace("_", " ")) ?? [0];
  return mine === total ? `${total.toLocaleString("en")}×` : `${mine.toLocaleString("en")} of ${total.toLocaleString("en")}`;
}

function cut(text, letters) {
  const tail = Math.floor(letters / 3);
  return `${text.slice(0, letters - tail)}…${tail ? text.slice(-tail) : ""}`;
}

function font(kind) {
  const family = getComputedStyle(document.body).fontFamily;
  return kind === "label" ? `600 13px ${family}` : `12px ${family}`;
}
