// Draws the nodes that are near, each a link of its own, above the ground, which has the lines and all that is far away.
// Both reach a little beyond what is in view, so that little is drawn anew while somebody drags.

import { duration } from "./duration.js";
import { Ground } from "./graph_ground.js";
import { brief, choose, fit } from "./graph_text.js";

const SVG = "http://www.w3.org/2000/svg";
const NEAR = 0.36; // from this scale on nodes are drawn one by one,
const MOST = 350; // unless there are more of them in view
const COUNTED = 64; // pixels that a duration needs which is still counted
const PILL = 56; // width of the mark of what was reused
const MARKS = { Dataset: "▤", Model: "◆", Metrics: "▥", ClassificationMetrics: "◩", SlicedClassificationMetrics: "◩", HTML: "‹›", Markdown: "¶" };
const GLYPHS = { SUCCEEDED: "✓", FAILED: "✕", RUNNING: "▶", QUEUED: "…", PENDING: "○", SKIPPED: "↺", CANCELLED: "■", CANCELLING: "■", NOT_TRIGGERED: "∅" };

function element(name, attributes, ...children) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) if (value !== undefined) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

export class Painter {
  constructor(view, camera) {
    this.camera = camera;
    this.near = element("g", { class: "near" });
    view.querySelector("svg").replaceChildren(this.near);
    this.ground = new Ground(view, () => this.again());
    this.drawn = new Map(); // by id: elements of nodes
    this.marked = new Set();
  }

  take(part) {
    this.nodes = part.nodes;
    this.byId = new Map(part.nodes.map((node) => [node.id, node]));
    this.ground.take(part);
    this.near.replaceChildren();
    this.drawn.clear();
    this.window = undefined;
  }

  // The colours are others: draw everything anew.
  again() {
    this.window = undefined;
    if (this.nodes) this.paint(this.current);
  }

  select(id) {
    this.selected = id;
    this.window = undefined;
  }

  mark(ids) {
    this.marked = ids;
    this.window = undefined;
  }

  focus(id) {
    this.drawn.get(id)?.link.focus({ preventScroll: true });
  }

  paint(current) {
    const { x, y, scale } = this.camera;
    this.near.setAttribute("transform", `scale(${scale}) translate(${-x} ${-y})`);
    this.ground.move(this.camera);
    const seen = this.camera.window;
    const isSame = this.window && covers(this.window, seen) && scale === this.scale;
    if (isSame && current === this.current && !this.isStale()) return;
    if (!isSame) this.window = grown(seen);
    [this.scale, this.current] = [scale, current];
    this.states = this.nodes.map((node) => node.standing);
    const inView = this.nodes.filter((node) => meets(this.window, node.place));
    this.isNear = scale >= NEAR && inView.length <= MOST;
    const { selected, marked, isNear } = this;
    this.ground.draw(this.camera, this.window, { inView, selected, marked, isNear, byId: this.byId });
    this.paintNear(inView);
  }

  // Whether nodes stand otherwise than they were drawn.
  isStale() {
    return this.nodes.some((node, place) => node.standing !== this.states[place]);
  }

  paintNear(inView) {
    const wanted = this.isNear ? inView : inView.filter((node) => node.id === this.current);
    const current = this.byId.get(this.current);
    if (current && !wanted.includes(current)) wanted.push(current); // so that Tab always leads here
    const ids = new Set(wanted.map((node) => node.id));
    for (const [id, made] of this.drawn) {
      if (ids.has(id)) continue;
      made.root.remove();
      this.drawn.delete(id);
    }
    for (const node of wanted) {
      let made = this.drawn.get(node.id);
      if (!made) {
        made = create(node);
        this.drawn.set(node.id, made);
        this.near.append(made.root);
      }
      this.update(made, node);
    }
  }

  update(made, node) {
    const { state, start, end, note } = node.standing;
    const classes = ["node", node.kind, state.toLowerCase()];
    if (state === "NOT_TRIGGERED") classes.push("dim");
    if (node.is_open) classes.push("open");
    if (node.id === this.selected) classes.push("selected");
    if (this.marked.size) classes.push(this.marked.has(node.id) ? "found" : "other");
    made.root.setAttribute("class", classes.join(" "));
    const index = node.id === this.current ? "0" : "-1";
    made.link.setAttribute("tabindex", index);
    made.fold?.setAttribute("tabindex", index);
    if (node.id === this.selected) made.link.setAttribute("aria-current", "true");
    else made.link.removeAttribute("aria-current");
    made.link.setAttribute("href", node.href);
    made.fold?.setAttribute("href", node.fold);
    if (made.standing === node.standing) return;
    made.standing = node.standing;
    const isReused = note === "reused";
    made.badge?.classList.toggle("shown", isReused);
    const took = start && end ? duration((end - start) / 1000) : "";
    const words = [state, isReused ? "" : note].filter(Boolean);
    if (made.state) {
      const isCounting = start && !end && /^(RUNNING|CANCELLING)$/.test(state);
      const glyph = state ? `${GLYPHS[state] ?? ""} ` : "";
      const said = (...parts) => glyph + parts.filter(Boolean).join(" · ");
      const [much, little, long] = isReused ? ["", "", ""] : [note, brief(note, state), took];
      const ways = [said(state, much, long), said(state, little, long), said(state, little), said(state)];
      made.state.textContent = choose(ways, "text", made.room - (isReused ? PILL : isCounting ? COUNTED : 0));
      made.since.textContent = isCounting ? "…" : "";
      if (isCounting) made.since.dataset.since = new Date(start).toISOString();
      else delete made.since.dataset.since;
      made.dot.textContent = isCounting ? " · " : "";
    }
    const spoken = [node.label, node.kind, node.detail, ...words, isReused ? "reused" : took].filter(Boolean).join(", ");
    made.link.setAttribute("aria-label", spoken);
    made.title.textContent = spoken;
  }
}

function create(node) {
  const [x, y, width, height] = node.place;
  const title = element("title", {});
  const link = element("a", { href: node.href, class: "box", tabindex: "-1" }, title);
  const round = node.kind === "artifact" ? height / 2 : 8;
  const made = { link, title };
  const isFrame = node.is_open;
  const box = { x, y, width, height: isFrame ? 44 : height, rx: round };
  link.append(element("rect", { ...box, class: "card" }), element("rect", { ...box, class: "ring" }));
  if (node.kind === "artifact") artifact(link, node, x, y, width);
  else task(made, node, x, y, width);
  made.root = element("g", { "data-node": node.id }, link);
  if (node.fold) made.root.append((made.fold = fold(node, x + width - 34, y + 10)));
  return made;
}

function artifact(link, node, x, y, width) {
  const kind = (node.detail.match(/[A-Z]\w*/) ?? ["none"])[0];
  link.append(
    element("text", { x: x + 20, y: y + 29, class: `mark type-${kind.toLowerCase()}`, "text-anchor": "middle" }, MARKS[kind] ?? "●"),
    element("text", { x: x + 36, y: y + 20, class: "label" }, fit(node.label, "label", width - 44)),
    element("text", { x: x + 36, y: y + 36, class: "detail" }, fit(node.detail, "text", width - 50)),
  );
}

function task(made, node, x, y, width) {
  const room = width - 26 - (node.fold ? 30 : 0);
  made.room = room;
  made.state = element("tspan", {});
  made.dot = element("tspan", {});
  made.since = element("tspan", {});
  const rows = node.is_open ? [18, 35, 0] : [20, 38, 56];
  made.link.append(
    element("path", { d: stripe(x, y, node.is_open ? 44 : node.place[3]), class: "stripe" }),
    element("text", { x: x + 16, y: y + rows[0], class: "label" }, fit(node.label, "label", room)),
    element("text", { x: x + 16, y: y + rows[1], class: "state" }, made.state, made.dot, made.since),
  );
  if (rows[2] && node.detail) {
    made.link.append(element("text", { x: x + 16, y: y + rows[2], class: "detail" }, fit(node.detail, "text", width - 26)));
  }
  if (node.kind === "task") {
    const pill = { x: x + width - PILL - 10, y: y + 27, width: PILL, height: 17, rx: 8.5 };
    made.badge = element("g", { class: "badge-reused" }, element("rect", pill), element("text", { x: pill.x + PILL / 2, y: pill.y + 12.5, "text-anchor": "middle" }, "reused"));
    made.link.append(made.badge);
  }
}

function fold(node, x, y) {
  const words = `${node.is_open ? "Fold" : "Open"} ${node.label}`;
  return element(
    "a",
    { href: node.fold, class: "fold", "aria-label": words, tabindex: "-1" },
    element("title", {}, words),
    element("rect", { x, y, width: 24, height: 24, rx: 5 }),
    element("path", { d: `M${x + 6} ${y + 12}h12${node.is_open ? "" : `M${x + 12} ${y + 6}v12`}` }),
  );
}

function stripe(x, y, height) {
  return `M${x + 6} ${y}a6 8 0 0 0 -6 8v${height - 16}a6 8 0 0 0 6 8z`;
}

function grown([left, top, right, bottom]) {
  const [x, y] = [(right - left) / 3, (bottom - top) / 3];
  return [left - x, top - y, right + x, bottom + y];
}

function covers(outer, inner) {
  return outer[0] <= inner[0] && outer[1] <= inner[1] && outer[2] >= inner[2] && outer[3] >= inner[3];
}

function meets([left, top, right, bottom], [x, y, width, height]) {
  return x <= right && x + width >= left && y <= bottom && y + height >= top;
}
