// Draws what is in view, and half as much around it. Far away, all nodes of one state are one shape: ten elements, however
// many nodes. Near, each node is a link of its own. Lines are never more than a few shapes.

const SVG = "http://www.w3.org/2000/svg";
const NEAR = 0.42; // from this scale on nodes are drawn one by one,
const MOST = 350; // unless there are more of them in view
const NAMED = 70; // pixels on the screen from which on a group far away has its name
const LETTER = 6.9; // width of a letter at 13 pixels, on average
const MARKS = { Dataset: "▤", Model: "◆", Metrics: "▥", ClassificationMetrics: "◩", SlicedClassificationMetrics: "◩", HTML: "‹›", Markdown: "¶" };
const GLYPHS = { SUCCEEDED: "✓", FAILED: "✕", RUNNING: "▶", QUEUED: "…", PENDING: "○", SKIPPED: "↺", CANCELLED: "■", CANCELLING: "■", NOT_TRIGGERED: "∅" };

function element(name, attributes, ...children) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) if (value !== undefined) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

export class Painter {
  constructor(svg, camera) {
    this.svg = svg;
    this.camera = camera;
    this.world = element("g", { class: "world" });
    this.frames = element("g", { class: "frames" });
    this.lines = element("g", { class: "lines", "aria-hidden": "true" });
    this.far = element("g", { class: "far", "aria-hidden": "true" });
    this.near = element("g", { class: "near" });
    this.world.append(this.frames, this.lines, this.far, this.near);
    svg.replaceChildren(this.world);
    this.drawn = new Map(); // by id: elements of nodes
    this.marked = new Set();
    this.shapes = new Map(); // by class: paths
  }

  take(part) {
    this.nodes = part.nodes;
    this.edges = part.edges.map((edge) => ({ ...edge, box: box(edge.points) }));
    this.byId = new Map(part.nodes.map((node) => [node.id, node]));
    this.near.replaceChildren();
    this.drawn.clear();
    this.window = undefined;
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
    this.world.setAttribute("transform", `scale(${scale}) translate(${-x} ${-y})`);
    const seen = this.camera.window;
    const isWithin = this.window && covers(this.window, seen) && scale === this.scale && current === this.current;
    if (isWithin && !this.isStale()) return;
    [this.scale, this.current] = [scale, current];
    this.window = isWithin ? this.window : grown(seen);
    this.states = this.nodes.map((node) => node.standing);
    const inView = this.nodes.filter((node) => meets(this.window, node.place));
    this.isNear = scale >= NEAR && inView.length <= MOST;
    this.paintLines();
    this.paintFar(inView);
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
    if (made.standing === node.standing) return;
    made.standing = node.standing;
    const isReused = note === "reused";
    made.badge?.classList.toggle("shown", isReused);
    const took = start && end ? duration((end - start) / 1000) : "";
    const words = [state, isReused ? "" : note].filter(Boolean);
    if (made.state) {
      made.state.textContent = state ? `${GLYPHS[state] ?? ""} ${words.join(" · ")}${took && !isReused ? ` · ${took}` : ""}` : "";
      const isCounting = start && !end && /^(RUNNING|CANCELLING)$/.test(state);
      made.since.textContent = isCounting ? "…" : "";
      if (isCounting) made.since.dataset.since = new Date(start).toISOString();
      else delete made.since.dataset.since;
      made.dot.textContent = isCounting ? " · " : "";
    }
    const spoken = [node.label, node.kind, node.detail, ...words, isReused ? "reused" : took].filter(Boolean).join(", ");
    made.link.setAttribute("aria-label", spoken);
    made.title.textContent = spoken;
  }

  paintFar(inView) {
    const shapes = new Map();
    const names = [];
    for (const node of inView) {
      const [x, y, width, height] = node.place;
      if (node.is_open) {
        shapes.set("frame", (shapes.get("frame") ?? "") + `M${x} ${y}h${width}v${height}h${-width}z`);
        if (!this.isNear && width * this.scale > NAMED) names.push(node);
      } else if (!this.isNear) {
        const state = node.kind === "artifact" ? "artifact" : node.standing.state.toLowerCase() || "none";
        const other = this.marked.size && !this.marked.has(node.id) ? " other" : "";
        const key = `block ${state}${other}`;
        shapes.set(key, (shapes.get(key) ?? "") + `M${x} ${y}h${width}v${height}h${-width}z`);
      }
    }
    const frame = shapes.get("frame");
    shapes.delete("frame");
    this.frames.replaceChildren(...(frame ? [element("path", { d: frame, class: "frame" })] : []));
    const paths = [...shapes].map(([key, d]) => element("path", { d, class: key }));
    this.far.replaceChildren(...paths, ...names.map((node) => this.name(node)));
  }

  name(node) {
    const [x, y] = node.place;
    const size = 12 / this.scale;
    const room = (node.place[2] * this.scale) / LETTER - 2;
    return element("text", { x: x + size / 2, y: y + size * 1.2, "font-size": size, class: "name" }, short(node.label, room));
  }

  paintLines() {
    const shapes = new Map();
    for (const edge of this.edges) {
      if (!overlaps(this.window, edge.box)) continue;
      const isDim = [edge.start, edge.end].some((id) => this.byId.get(id)?.standing.state === "NOT_TRIGGERED");
      const isOwn = this.selected && (edge.start === this.selected || edge.end === this.selected);
      const key = `line ${isOwn ? "own" : isDim ? "faint" : edge.kind}`;
      const drawn = shapes.get(key) ?? ["", ""];
      drawn[0] += line(edge.points, this.isNear);
      if (this.isNear) drawn[1] += head(edge.points);
      shapes.set(key, drawn);
    }
    this.lines.replaceChildren(
      ...[...shapes].flatMap(([key, [d, heads]]) => [
        element("path", { d, class: key }),
        ...(heads ? [element("path", { d: heads, class: `${key} head` })] : []),
      ]),
    );
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
    element("text", { x: x + 36, y: y + 20, class: "label" }, short(node.label, (width - 52) / LETTER)),
    element("text", { x: x + 36, y: y + 36, class: "detail" }, short(node.detail, (width - 52) / LETTER + 2)),
  );
}

function task(made, node, x, y, width) {
  const room = (width - 26 - (node.fold ? 30 : 0)) / LETTER;
  made.state = element("tspan", {});
  made.dot = element("tspan", {});
  made.since = element("tspan", {});
  const rows = node.is_open ? [18, 35, 0] : [20, 38, 56];
  made.link.append(
    element("path", { d: stripe(x, y, node.is_open ? 44 : node.place[3]), class: "stripe" }),
    element("text", { x: x + 16, y: y + rows[0], class: "label" }, short(node.label, room)),
    element("text", { x: x + 16, y: y + rows[1], class: "state" }, made.state, made.dot, made.since),
  );
  if (rows[2] && node.detail) {
    made.link.append(element("text", { x: x + 16, y: y + rows[2], class: "detail" }, short(node.detail, (width - 26) / 6.2)));
  }
  if (node.kind === "task") {
    const pill = { x: x + width - 66, y: y + 27, width: 56, height: 17, rx: 8.5 };
    made.badge = element("g", { class: "badge-reused" }, element("rect", pill), element("text", { x: pill.x + 28, y: pill.y + 12.5, "text-anchor": "middle" }, "reused"));
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

function line(points, isSmooth) {
  let d = `M${points[0]} ${points[1]}`;
  for (let i = 2; i < points.length; i += 2) {
    const [x1, y1, x2, y2] = points.slice(i - 2, i + 2);
    const middle = (y1 + y2) / 2;
    d += !isSmooth || x1 === x2 ? `L${x2} ${y2}` : `C${x1} ${middle} ${x2} ${middle} ${x2} ${y2}`;
  }
  return d;
}

function head(points) {
  const [x, y] = points.slice(-2);
  return `M${x - 4} ${y - 7}L${x} ${y}L${x + 4} ${y - 7}z`;
}

function box(points) {
  const xs = points.filter((_, place) => place % 2 === 0), ys = points.filter((_, place) => place % 2 === 1);
  return [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)];
}

function grown([left, top, right, bottom]) {
  const [x, y] = [(right - left) / 2, (bottom - top) / 2];
  return [left - x, top - y, right + x, bottom + y];
}

function covers(outer, inner) {
  return outer[0] <= inner[0] && outer[1] <= inner[1] && outer[2] >= inner[2] && outer[3] >= inner[3];
}

function overlaps(one, other) {
  return one[0] <= other[2] && one[2] >= other[0] && one[1] <= other[3] && one[3] >= other[1];
}

function meets(window, [x, y, width, height]) {
  return overlaps(window, [x, y, x + width, y + height]);
}

function short(text, letters) {
  const room = Math.max(4, Math.floor(letters));
  if (text.length <= room) return text;
  const tail = Math.floor((room - 1) / 3);
  return `${text.slice(0, room - 1 - tail)}…${tail ? text.slice(-tail) : ""}`;
}

function duration(seconds) {
  if (seconds < 1) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${Math.floor(seconds % 60)} s`;
  return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
}
