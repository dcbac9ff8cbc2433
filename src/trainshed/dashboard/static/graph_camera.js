// Where one looks at a drawing from: dragging, pinching and the wheel move it, buttons and keys zoom.

const LEAST = 0.02, MOST = 2.5, READABLE = 0.55, STEP = 1.25, MARGIN = 24, SLACK = 60;
const NARROW = 0.36; // what can just be read, where that brings the whole width into view; see NEAR of graph_paint.js

export class Camera {
  constructor(svg, changed) {
    this.svg = svg;
    this.changed = changed;
    [this.x, this.y, this.scale] = [0, 0, 1]; // of the upper left corner, in the drawing
    [this.width, this.height] = [1, 1];
    this.pointers = new Map();
    this.dragged = 0;
    this.isFirst = true; // nobody has looked elsewhere yet
    svg.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    svg.addEventListener("pointerdown", (event) => this.down(event));
    svg.addEventListener("pointermove", (event) => this.drag(event));
    for (const end of ["pointerup", "pointercancel"]) svg.addEventListener(end, (event) => this.up(event));
  }

  take(width, height) {
    [this.width, this.height] = [width, height];
  }

  get size() {
    return [this.svg.clientWidth || 1, this.svg.clientHeight || 1];
  }

  // What is in view, in the drawing: left, top, right, bottom.
  get window() {
    const [width, height] = this.size;
    return [this.x, this.y, this.x + width / this.scale, this.y + height / this.scale];
  }

  // Look at everything where that can be read, else at the whole width from the top, else at a place; the place is in view.
  begin(place, isSelected) {
    this.fit();
    if (this.scale < READABLE && place) {
      const across = Math.min(1, (this.size[0] - MARGIN) / this.width);
      this.scale = across < NARROW ? READABLE : across;
      this.centre(place);
      if (across >= NARROW) this.x = (this.width - this.size[0] / this.scale) / 2;
      this.y = 0;
      if (isSelected) this.approach(place);
    }
    this.bound();
  }

  whole() {
    const [width, height] = this.size;
    const scale = Math.min((width - MARGIN) / this.width, (height - MARGIN) / this.height);
    return Math.min(1, Math.max(LEAST, scale));
  }

  fit() {
    const [width, height] = this.size;
    this.scale = this.whole();
    this.x = (this.width - width / this.scale) / 2;
    this.y = (this.height - height / this.scale) / 2;
  }

  centre([left, top, width, height]) {
    const [w, h] = this.size;
    this.x = left + width / 2 - w / this.scale / 2;
    this.y = top + height / 2 - h / this.scale / 2;
  }

  // Move as little as is needed to see a place, and to read it.
  reveal(place) {
    this.isFirst = false;
    if (this.scale < NARROW) this.scale = READABLE;
    this.approach(place);
    this.moved();
  }

  approach([left, top, width, height]) {
    const [w, h] = this.size.map((side) => side / this.scale);
    const edge = SLACK / this.scale;
    this.x = Math.min(Math.max(this.x, left + width + edge - w), left - edge);
    this.y = Math.min(Math.max(this.y, top + Math.min(height, h - 2 * edge) + edge - h), top - edge);
  }

  onScreen([left, top]) {
    return [(left - this.x) * this.scale, (top - this.y) * this.scale];
  }

  // Put a place where another was on the screen.
  bring([left, top], [x, y]) {
    this.isFirst = false;
    this.x = left - x / this.scale;
    this.y = top - y / this.scale;
    this.bound();
  }

  zoom(way, place) {
    this.isFirst = false;
    if (way === "fit") this.fit();
    else {
      const [width, height] = this.size;
      const [x, y] = place ? this.onScreen([place[0] + place[2] / 2, place[1] + place[3] / 2]) : [width / 2, height / 2];
      this.by(way === "in" ? STEP : 1 / STEP, x, y);
    }
    this.moved();
  }

  by(factor, x, y) {
    const scale = Math.min(MOST, Math.max(LEAST, this.scale * factor));
    this.x += x / this.scale - x / scale;
    this.y += y / this.scale - y / scale;
    this.scale = scale;
  }

  // Some of the drawing is always in view; one that fits stays at the top, in the middle.
  bound() {
    const [w, h] = this.size.map((side) => side / this.scale);
    const margin = MARGIN / this.scale;
    this.x = within(this.x, this.width, w, margin) ?? (this.width - w) / 2;
    this.y = within(this.y, this.height, h, margin) ?? -margin / 2;
  }

  moved() {
    this.bound();
    if (this.frame) return;
    this.frame = requestAnimationFrame(() => {
      this.frame = 0;
      this.changed();
    });
  }

  wheel(event) {
    const before = [this.x, this.y, this.scale];
    if (event.ctrlKey || event.metaKey) {
      const box = this.svg.getBoundingClientRect();
      this.by(Math.exp(-event.deltaY / 200), event.clientX - box.left, event.clientY - box.top);
    } else {
      const unit = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 16 : 1;
      const [x, y] = event.shiftKey ? [event.deltaY, event.deltaX] : [event.deltaX, event.deltaY];
      this.x += (x * unit) / this.scale;
      this.y += (y * unit) / this.scale;
    }
    this.bound();
    const isMoved = before.some((value, place) => Math.abs(value - [this.x, this.y, this.scale][place]) > 1e-6);
    if (isMoved || event.ctrlKey) event.preventDefault(); // else the page scrolls
    if (!isMoved) return;
    this.isFirst = false;
    this.moved();
  }

  down(event) {
    if (event.button !== 0) return;
    this.pointers.set(event.pointerId, [event.clientX, event.clientY]);
    this.dragged = 0;
  }

  drag(event) {
    const from = this.pointers.get(event.pointerId);
    if (!from) return;
    const to = [event.clientX, event.clientY];
    this.dragged += Math.abs(to[0] - from[0]) + Math.abs(to[1] - from[1]);
    if (this.dragged > 5 && !this.svg.hasPointerCapture(event.pointerId)) this.svg.setPointerCapture(event.pointerId);
    const others = [...this.pointers].filter(([id]) => id !== event.pointerId).map(([, place]) => place);
    if (others.length) {
      const box = this.svg.getBoundingClientRect();
      const [ox, oy] = others[0];
      const far = ([x, y]) => Math.hypot(x - ox, y - oy) || 1;
      this.by(far(to) / far(from), ox - box.left, oy - box.top);
    } else {
      this.x -= (to[0] - from[0]) / this.scale;
      this.y -= (to[1] - from[1]) / this.scale;
    }
    this.pointers.set(event.pointerId, to);
    this.isFirst &&= !this.hasDragged();
    this.moved();
  }

  up(event) {
    this.pointers.delete(event.pointerId);
  }

  // Whether the click that comes now ends a drag.
  hasDragged() {
    return this.dragged > 5;
  }
}

function within(at, whole, seen, margin) {
  if (whole + margin <= seen) return undefined;
  return Math.min(Math.max(at, -margin), whole + margin - seen);
}
