// One log that somebody looks at: which stretch of it is there, how one moves in it, what is new.

import { Lines } from "./log_lines.js";
import { Search } from "./log_search.js";
import { Source } from "./log_source.js";
import { Tools } from "./log_tools.js";
import { words } from "./log_words.js";

const NEAR = 600; // pixels from an end of what is there at which more is asked for
const FAST = 10; // lines at once that a screen reader is spared

export class Log {
  constructor(root) {
    this.root = root;
    this.box = root.querySelector(".log-lines");
    this.said = root.querySelector(".log-said");
    this.box.setAttribute("aria-label", root.dataset.label);
    this.lines = new Lines(this.box);
    this.source = new Source(root.dataset.address, () => this.say());
    this.search = new Search(this);
    this.tools = new Tools(this);
    this.open();
  }

  close() {
    this.isClosed = true;
    this.tools.close();
    this.source.close();
    this.search.stop();
  }

  // Ask for a piece and show it, unless another one was asked for meanwhile.
  async load(place, show) {
    const piece = await this.source.last(place);
    if (!piece || this.isClosed) return;
    show(piece);
    this.count();
    this.say();
  }

  async open() {
    this.source.unfollow();
    if (!(await this.toAnchor())) await this.toEnd();
    if (!this.isClosed) this.box.classList.toggle("ended", this.source.isOver); // it takes the room it needs; one that grows keeps its height
  }

  // Go to the line that the page's address names.
  async toAnchor() {
    const given = this.root.dataset.line;
    const [, kind, place] = /^#([LB])(\d{1,15})$/.exec(location.hash || (given && `#L${given}`) || "") ?? [];
    if (!kind) return false;
    await this.load(kind === "L" ? { line: place } : { around: place }, (piece) => this.showAt(piece, piece.target));
    return true;
  }

  async goTo(offset) {
    this.unfollow();
    if (this.lines.at(offset)) this.show(offset);
    else await this.load({ around: offset }, (piece) => this.showAt(piece, offset));
  }

  showAt(piece, offset) {
    this.unfollow();
    this.lines.replace(piece);
    this.show(offset);
  }

  show(offset) {
    const line = this.lines.choose(offset);
    if (line) this.box.scrollTop = line.element.offsetTop - (this.box.clientHeight - line.element.offsetHeight) / 2;
    if (line) this.box.scrollIntoView({ block: "nearest" }); // below a graph it may be out of sight
  }

  async toEnd() {
    await this.load({}, (piece) => {
      this.lines.replace(piece);
      this.lines.toNewest();
      if (!this.source.isOver) this.follow();
    });
    if (!this.lines.lines.length && this.lines.start > 0) await this.earlier();
  }

  async toStart() {
    this.unfollow();
    await this.load({ after: 0 }, (piece) => {
      this.lines.replace(piece);
      this.lines.toOldest();
    });
    if (!this.lines.lines.length && !this.lines.isLast) await this.later();
  }

  // A filter may let nothing through for a while: then look on.
  async earlier() {
    let found = 0;
    while (!found && this.lines.start > 0 && !this.source.isBusy) {
      await this.load({ before: this.lines.start }, (piece) => {
        found = piece.lines.length;
        this.lines.still(() => this.lines.prepend(piece));
        if (this.source.isFollowed) this.lines.toNewest();
      });
      if (this.source.trouble || this.isClosed) return;
    }
  }

  async later() {
    let found = 0;
    while (!found && !this.lines.isLast && !this.source.isBusy) {
      await this.load({ after: this.lines.end }, (piece) => {
        found = piece.lines.length;
        this.lines.still(() => this.lines.append(piece));
      });
      if (this.source.trouble || this.isClosed) return;
    }
  }

  // Lines that are not counted yet get their numbers once they are.
  async count() {
    const first = this.lines.lines.find((line) => line.number === null);
    if (!first || this.isCounting) return;
    this.isCounting = true;
    const { signal } = this.tools.listening;
    await this.source.ask({ locate: first.offset }, signal);
    const { start, lines } = this.lines;
    const piece = await this.source.ask({ after: start, count: Math.min(2000, lines.length || 1) }, signal);
    this.isCounting = false;
    if (piece) this.lines.number(piece.lines);
  }

  follow() {
    this.source.follow(this.lines.end, (piece) => this.take(piece));
    this.say();
  }

  unfollow() {
    this.source.unfollow();
    this.say();
  }

  take(piece) {
    this.box.ariaLive = piece.lines.length > FAST ? "off" : "polite";
    if (piece.start !== this.lines.end) {
      this.lines.replace(piece); // too much came at once: this is the end of it
    } else {
      const count = this.lines.append(piece);
      if (count) this.search.add(this.lines.lines.slice(-count).filter((line) => this.lines.holds(line)));
    }
    this.lines.toNewest();
    this.say();
  }

  scrolled() {
    const { lines, source } = this;
    const { scrollTop, scrollHeight, clientHeight } = this.box;
    const below = scrollHeight - clientHeight - scrollTop;
    const [toOlder, toNewer] = lines.isNewestFirst ? [below, scrollTop] : [scrollTop, below];
    if (source.isFollowed && toNewer > 40) this.unfollow();
    if (source.isBusy) return;
    if (toOlder < NEAR && lines.start > 0) this.earlier();
    else if (toNewer < NEAR && !lines.isLast && !source.isFollowed) this.later();
    else if (toNewer < 4 && lines.isLast && !source.isOver && !source.isFollowed) this.follow();
  }

  find(needle) {
    this.lines.mark(needle);
    this.search.run(needle);
    this.say();
  }

  wrap(isOn) {
    this.lines.still(() => this.box.classList.toggle("wraps", isOn));
  }

  turn(isOn, isChosen) {
    this.lines.turn(isOn);
    if (isChosen && this.lines.isLast) this.lines.toNewest();
  }

  say() {
    if (this.isClosed || !this.tools) return;
    this.tools.show();
    const now = words(this);
    if (this.said.textContent !== now) this.said.textContent = now;
  }
}
