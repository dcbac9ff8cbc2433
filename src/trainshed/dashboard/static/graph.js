// A graph that one looks around in. Where the nodes are comes once, as data; how they stand comes as often as it changes.
// Only what is in view is drawn: each node by itself when it is large enough to be read, else all of one state as one shape.

import { layout, standings } from "./graph_data.js";
import { Camera } from "./graph_camera.js";
import { Search } from "./graph_search.js";
import { Painter } from "./graph_paint.js";
import { neighbour } from "./graph_walk.js";
import { visit } from "./visit.js";

class Graph {
  constructor(section) {
    this.section = section;
    this.take(section);
    this.camera = new Camera(this.svg, () => this.paint());
    this.painter = new Painter(this.view, this.camera);
    this.search = new Search(this);
    section.addEventListener("part", (event) => this.news(event.detail));
    section.addEventListener("click", (event) => this.click(event));
    section.addEventListener("keydown", (event) => this.key(event));
    section.addEventListener("focusin", (event) => this.focused(event));
    new ResizeObserver(() => this.resized()).observe(this.svg);
    this.load();
  }

  take(root) {
    this.view = root.querySelector(".graph-view");
    this.svg = this.view.querySelector("svg");
  }

  async load(anchor) {
    const { shape, layoutAt, layout: inPage } = this.view.dataset;
    if (shape === this.loading) return;
    this.loading = shape;
    try {
      const answer = layoutAt && (await fetch(layoutAt));
      const packed = layoutAt ? answer.ok && (await answer.json()) : JSON.parse(inPage);
      if (packed && shape === this.view.dataset.shape) this.show(layout(packed), anchor); // else it is another by now
    } finally {
      this.loading = undefined;
    }
  }

  show(part, anchor) {
    const before = anchor && this.byId?.get(anchor);
    const from = before && this.camera.onScreen(before.place);
    this.nodes = part.nodes;
    this.hidden = part.hidden;
    this.shape = this.view.dataset.shape;
    this.byId = new Map(this.nodes.map((node) => [node.id, node]));
    this.after = new Map();
    this.before = new Map();
    for (const edge of part.edges) {
      push(this.after, edge.start, edge.end);
      push(this.before, edge.end, edge.start);
    }
    const selected = this.view.dataset.selected;
    this.painter.take(part);
    this.stand();
    this.select(selected);
    this.current = this.byId.has(this.current) ? this.current : selected || this.nodes[0]?.id;
    this.camera.take(part.width, part.height);
    const now = from && this.byId.get(anchor);
    if (now) this.camera.bring(now.place, from);
    else this.begin();
    this.paint();
    if (from && this.section.contains(document.activeElement)) this.painter.focus(this.current);
    performance.mark("graph painted");
    requestAnimationFrame(() => setTimeout(() => this.seen(this.shape), 0));
  }

  begin() {
    const node = this.byId.get(this.selected) ?? this.telling();
    this.camera.begin((node ?? first(this.nodes))?.place, node && !node.is_open);
  }

  // What somebody came to see, where not all can be seen at once: what failed, or what runs.
  telling() {
    const is = (state) => (node) => node.kind === "task" && node.standing.state === state;
    return this.nodes.find(is("FAILED")) ?? this.nodes.find(is("RUNNING"));
  }

  seen(shape) {
    performance.mark("graph seen");
    this.view.dataset.drawn = shape;
  }

  // How the nodes stand, and where they lead from here: both are others while the layout stays.
  stand() {
    const now = standings(this.view.dataset.standings);
    const folds = JSON.parse(this.view.dataset.folds);
    this.base = this.view.dataset.base;
    this.nodes.forEach((node, place) => {
      node.standing = now[place] ?? { state: "" };
      const [fold, leads] = folds[node.id] ?? [""];
      node.fold = fold;
      node.href = leads ? fold : (node.own ?? this.base + encodeURIComponent(node.id));
    });
  }

  select(id) {
    this.selected = id;
    this.painter.select(id);
  }

  // New HTML of this part: the tools, and how the nodes stand; another shape means another layout.
  news(html) {
    const found = new DOMParser().parseFromString(html, "text/html");
    const view = found.querySelector(".graph-view");
    for (const name of [".legend", ".graph-tools .actions"]) {
      this.section.querySelector(name).replaceChildren(...document.importNode(found.querySelector(name), true).childNodes);
    }
    this.view.setAttribute("aria-label", view.getAttribute("aria-label"));
    Object.assign(this.view.dataset, view.dataset);
    if (view.dataset.shape !== this.shape) {
      this.load(this.anchor);
      return;
    }
    this.stand();
    this.select(view.dataset.selected);
    this.paint();
  }

  // The panel beside came or went: who has not looked elsewhere sees all that fits now; what is selected stays in view.
  resized() {
    const node = this.byId?.get(this.selected);
    if (this.byId && this.camera.isFirst) this.begin();
    else if (node && !node.is_open) this.camera.reveal(node.place);
    this.camera.moved();
  }

  paint() {
    if (this.nodes) this.painter.paint(this.current);
  }

  click(event) {
    const zoom = event.target.closest("[data-zoom]");
    if (zoom) this.camera.zoom(zoom.dataset.zoom);
    const link = event.target.closest("a[href]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    if (this.camera.hasDragged()) return;
    this.go(link.getAttribute("href"), link.closest("[data-node]")?.dataset.node);
  }

  go(href, anchor) {
    this.anchor = anchor ?? this.current;
    visit(href);
  }

  key(event) {
    const inside = event.target.closest("[data-node]");
    if (!inside || event.ctrlKey || event.metaKey || event.altKey) return;
    const node = this.byId.get(this.current);
    const zooms = { "+": "in", "=": "in", "-": "out", 0: "fit" };
    if (event.key.startsWith("Arrow")) this.move(neighbour(this, node, event.key));
    else if (event.key === "Home") this.move(first(this.nodes));
    else if (event.key === " " && node.fold) this.go(node.fold, node.id);
    else if (event.key in zooms) this.camera.zoom(zooms[event.key], node.place);
    else return;
    event.preventDefault();
  }

  move(node) {
    if (!node) return;
    this.current = node.id;
    this.camera.reveal(node.place);
    this.paint();
    this.painter.focus(node.id);
  }

  focused(event) {
    const id = event.target.closest("[data-node]")?.dataset.node;
    if (!id || id === this.current) return;
    this.current = id;
    this.paint();
  }
}

function push(map, key, value) {
  if (map.has(key)) map.get(key).push(value);
  else map.set(key, [value]);
}

function first(nodes) {
  return nodes.reduce((best, node) => (!best || node.place[1] < best.place[1] ? node : best), undefined);
}

const known = new WeakSet();

function find() {
  for (const section of document.querySelectorAll("section.graph")) {
    if (known.has(section)) continue;
    known.add(section);
    new Graph(section);
  }
}

document.addEventListener("visited", find);
find();

// Links of the panel to other views of the same page lead there as those of the graph do.
document.addEventListener("click", (event) => {
  const link = event.target.closest(".part.beside a[href]");
  if (!link || link.pathname !== location.pathname || link.hash || event.defaultPrevented) return;
  if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  visit(link.getAttribute("href"));
});
