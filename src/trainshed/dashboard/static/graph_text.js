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

function cut(text, letters) {
  const tail = Math.floor(letters / 3);
  return `${text.slice(0, letters - tail)}…${tail ? text.slice(-tail) : ""}`;
}

function font(kind) {
  const family = getComputedStyle(document.body).fontFamily;
  return kind === "label" ? `600 13px ${family}` : `12px ${family}`;
}
