// What lies below the nodes that are near: frames of groups, lines, and the nodes that are too far away to be read. It is
// a picture, larger than what is in view; moving it costs nothing, drawing it some milliseconds for thousands of nodes.

import { fit } from "./graph_text.js";

const NAMED = 70; // pixels on the screen from which on a group far away has its name
const THIN = 0.12; // scale from which on lines are fainter: there are many of them
const COLOURS = ["ink", "soft", "line", "paper", "card", "hover", "accent", "good", "bad", "busy", "idle", "six"];
const TONES = { SUCCEEDED: "good", COMPLETE: "good", CACHED: "six", FAILED: "bad", RUNNING: "busy", CANCELLING: "busy", SKIPPED: "six", CANCELLED: "idle", "": "soft" };

export class Ground {
  constructor(view, changed) {
    this.canvas = document.createElement("canvas");
    this.canvas.className = "graph-ground";
    this.canvas.setAttribute("aria-hidden", "true");
    view.prepend(this.canvas);
    this.changed = changed;
    const dark = matchMedia("(prefers-color-scheme: dark)");
    dark.addEventListener("change", () => {
      this.colours = undefined;
      changed();
    });
  }

  take(part) {
    this.edges = part.edges.map((edge) => ({ ...edge, box: box(edge.points) }));
  }

  // Put the picture where it belongs; it may be of another scale until it is drawn anew.
  move({ x, y, scale }) {
    if (!this.window) return;
    const [left, top] = this.window;
    this.canvas.style.transform = `translate(${(left - x) * scale}px, ${(top - y) * scale}px) scale(${scale / this.scale})`;
  }

  draw(camera, window, scene) {
    const { scale } = camera;
    const [left, top, right, bottom] = window;
    const dots = Math.min(devicePixelRatio || 1, 2);
    const [width, height] = [(right - left) * scale, (bottom - top) * scale].map(Math.ceil);
    if (this.canvas.width !== width * dots || this.canvas.height !== height * dots) {
      [this.canvas.width, this.canvas.height] = [width * dots, height * dots];
      Object.assign(this.canvas.style, { width: `${width}px`, height: `${height}px` });
    }
    [this.window, this.scale] = [window, scale];
    this.colours ??= colours(this.canvas);
    const context = this.canvas.getContext("2d");
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, this.canvas.width, this.canvas.height);
    context.setTransform(scale * dots, 0, 0, scale * dots, -left * scale * dots, -top * scale * dots);
    this.frames(context, scene);
    this.lines(context, scene);
    if (!scene.isNear) this.blocks(context, scene);
    this.move(camera);
  }

  frames(context, { inView }) {
    context.lineWidth = 1.2 / this.scale;
    for (const node of inView) {
      if (!node.is_open) continue;
      context.fillStyle = this.colours.paper;
      context.strokeStyle = this.colours.line;
      context.fillRect(...node.place);
      context.strokeRect(...node.place);
    }
  }

  lines(context, { selected, byId, isNear }) {
    const kinds = new Map([["data", []], ["order", []], ["faint", []], ["own", []]]);
    for (const edge of this.edges) {
      if (!overlaps(this.window, edge.box)) continue;
      const isOwn = selected && (edge.start === selected || edge.end === selected);
      const isFaint = isLost(byId.get(edge.start)) || isLost(byId.get(edge.end));
      kinds.get(isOwn ? "own" : isFaint ? "faint" : edge.kind).push(edge);
    }
    for (const [kind, edges] of kinds) {
      const pixel = 1 / this.scale;
      context.strokeStyle = context.fillStyle = kind === "own" ? this.colours.accent : this.colours.soft;
      context.lineWidth = (kind === "own" ? 2.4 : isNear ? 1.3 : 0.8) * pixel;
      context.globalAlpha = kind === "faint" ? 0.35 : kind === "own" || this.scale > THIN ? 1 : 0.4;
      context.setLineDash(isNear && (kind === "order" || kind === "faint") ? [5 * pixel, 4 * pixel] : []);
      for (const edge of edges) {
        context.beginPath();
        trace(context, edge.points, isNear);
        context.stroke();
        if (isNear) head(context, edge.points);
      }
    }
    context.globalAlpha = 1;
    context.setLineDash([]);
  }

  blocks(context, { inView, marked, selected }) {
    const names = [];
    for (const node of inView) {
      if (node.is_open) {
        if (node.place[2] * this.scale > NAMED) names.push(node);
        continue;
      }
      context.globalAlpha = marked.size && !marked.has(node.id) ? 0.25 : 1;
      context.fillStyle = this.colours[node.kind === "artifact" ? "line" : (TONES[node.standing.state] ?? "line")];
      context.fillRect(...node.place);
      if (node.id !== selected) continue;
      context.strokeStyle = this.colours.accent;
      context.lineWidth = 3 / this.scale;
      context.strokeRect(...node.place);
    }
    context.globalAlpha = 1;
    for (const node of names) this.name(context, node);
  }

  name(context, node) {
    const size = 12 / this.scale;
    const words = fit(node.label, "label", node.place[2] * this.scale - 16);
    context.font = `600 ${size}px system-ui, sans-serif`;
    context.fillStyle = this.colours.ink;
    context.fillText(words, node.place[0] + size / 2, node.place[1] + size * 1.2);
  }
}

function colours(element) {
  const style = getComputedStyle(element);
  return Object.fromEntries(COLOURS.map((name) => [name, style.getPropertyValue(`--${name}`).trim()]));
}

function isLost(node) {
  return node?.standing.state === "NOT_TRIGGERED";
}

function trace(context, points, isSmooth) {
  context.moveTo(points[0], points[1]);
  for (let i = 2; i < points.length; i += 2) {
    const [x1, y1, x2, y2] = [points[i - 2], points[i - 1], points[i], points[i + 1]];
    const middle = (y1 + y2) / 2;
    if (!isSmooth || x1 === x2) context.lineTo(x2, y2);
    else context.bezierCurveTo(x1, middle, x2, middle, x2, y2);
  }
}

function head(context, points) {
  const [x, y] = points.slice(-2);
  context.beginPath();
  context.moveTo(x - 4, y - 7);
  context.lineTo(x, y);
  context.lineTo(x + 4, y - 7);
  context.fill();
}

function box(points) {
  let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity];
  for (let i = 0; i < points.length; i += 2) {
    [left, right] = [Math.min(left, points[i]), Math.max(right, points[i])];
    [top, bottom] = [Math.min(top, points[i + 1]), Math.max(bottom, points[i + 1])];
  }
  return [left, top, right, bottom];
}

function overlaps(one, other) {
  return one[0] <= other[2] && one[2] >= other[0] && one[1] <= other[3] && one[3] >= other[1];
}
