// Reads what the server packs: where everything is, and how it stands. Words and nodes are numbers there, see graph.py.

export function layout(packed) {
  const { width, height, words, hidden } = packed;
  const nodes = packed.nodes.map(([id, kind, label, detail, , isOpen, x, y, w, h, href]) => ({
    id, kind: words[kind], label, detail: words[detail], is_open: isOpen === 1, place: [x, y, w, h], own: href,
  }));
  packed.nodes.forEach(([, , , , parent], place) => (nodes[place].parent = nodes[parent]?.id ?? ""));
  const edges = packed.edges.map(([start, end, kind, ...points]) => ({ start: nodes[start].id, end: nodes[end].id, kind: words[kind], points }));
  return { width, height, hidden, nodes, edges };
}

// For each node its state, when that began and ended, and a note.
export function standings(text) {
  const { words, begin, numbers } = JSON.parse(text);
  const found = [];
  for (let i = 0; i < numbers.length; i += 4) {
    const start = numbers[i + 1] < 0 ? 0 : begin + numbers[i + 1];
    const end = numbers[i + 2] < 0 ? 0 : (start || begin) + numbers[i + 2];
    found.push({ state: words[numbers[i]], start, end, note: words[numbers[i + 3]] });
  }
  return found;
}
