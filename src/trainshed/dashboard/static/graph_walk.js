// From one node to the next by arrow keys: along the lines where there are some, else to what is nearest that way.

const SIDEWAYS = 3; // how much further away something counts that is not straight ahead

export function neighbour(graph, node, key) {
  if (key === "ArrowDown" && node.is_open) {
    const inner = graph.nodes.filter((other) => other.parent === node.id);
    if (inner.length) return nearest(node, inner, [0, 1], 0);
  }
  const along = { ArrowDown: graph.after, ArrowUp: graph.before }[key]?.get(node.id);
  const way = { ArrowDown: [0, 1], ArrowUp: [0, -1], ArrowRight: [1, 0], ArrowLeft: [-1, 0] }[key];
  if (along?.length) return nearest(node, along.map((id) => graph.byId.get(id)), way);
  const found = nearest(node, graph.nodes.filter((other) => other.parent === node.parent && other !== node), way);
  return found ?? (key === "ArrowUp" ? graph.byId.get(node.parent) : undefined);
}

function nearest(node, others, [wayX, wayY], least = 1) {
  const [x, y] = middle(node.place);
  let [best, shortest] = [undefined, Infinity];
  for (const other of others) {
    const [otherX, otherY] = middle(other.place);
    const ahead = (otherX - x) * wayX + (otherY - y) * wayY;
    const aside = Math.abs((otherX - x) * wayY) + Math.abs((otherY - y) * wayX);
    const far = ahead + SIDEWAYS * aside;
    if ((least === 0 || ahead >= least) && far < shortest) [best, shortest] = [other, far];
  }
  return best;
}

function middle([left, top, width, height]) {
  return [left + width / 2, top + height / 2];
}
