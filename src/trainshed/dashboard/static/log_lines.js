// The lines of a log that are in the document: a stretch without gaps, never more than a few thousand of them.

import { fill, numbered, plain, row } from "./log_row.js";

const MOST = 3000;

export class Lines {
  constructor(box) {
    this.box = box;
    this.lines = []; // oldest first: offset, number, text, element
    this.start = this.end = 0; // the stretch of the log, in bytes
    this.size = 0; // of the log, as far as it is known
    this.isLast = false; // it reaches the end of what is written
    this.isNewestFirst = false;
    this.needle = "";
    this.partial = null; // the line that has no end yet
  }

  replace(piece) {
    this.lines = [];
    this.box.replaceChildren();
    this.partial = null;
    this.start = this.end = piece.start;
    this.append(piece);
  }

  // Lines behind the last one. Answers how many.
  append(piece) {
    this.size = piece.size;
    const added = piece.lines.map((line) => this.made(line));
    this.lines.push(...added);
    this.put(added, true);
    this.end = piece.end;
    this.isLast = piece.is_last;
    this.write(piece.partial);
    const gone = this.lines.splice(0, this.lines.length - MOST);
    if (gone.length) this.start = this.lines[0].offset;
    for (const line of gone) line.element.remove();
    return added.length;
  }

  // Lines in front of the first one.
  prepend(piece) {
    this.size = piece.size;
    const added = piece.lines.map((line) => this.made(line));
    this.lines.unshift(...added);
    this.put(added, false);
    this.start = piece.start;
    const gone = this.lines.splice(MOST);
    if (gone.length) {
      this.end = gone[0].offset;
      this.isLast = false;
      this.write("");
    }
    for (const line of gone) line.element.remove();
  }

  turn(isNewestFirst) {
    this.isNewestFirst = isNewestFirst;
    this.box.replaceChildren();
    const partial = this.partial;
    this.partial = null;
    this.put(this.lines, true);
    if (partial) this.write(partial.text);
  }

  mark(needle) {
    this.needle = needle;
    for (const line of this.lines) fill(line.element.lastElementChild, line.text, needle);
  }

  // Numbers that were not known before, by place.
  number(found) {
    const numbers = new Map(found.map(([offset, number]) => [offset, number]));
    for (const line of this.lines) {
      if (line.number === null && numbers.has(line.offset)) {
        line.number = numbers.get(line.offset);
        numbered(line.element, line);
      }
    }
  }

  at(offset) {
    return this.lines.find((line) => line.offset === offset);
  }

  of(element) {
    return this.lines.find((line) => line.element === element);
  }

  choose(offset) {
    for (const element of this.box.querySelectorAll(".chosen")) element.classList.remove("chosen");
    const line = this.at(offset);
    line?.element.classList.add("chosen");
    return line;
  }

  // The line at the top of what one sees.
  visible() {
    const elements = [...this.box.children];
    let [low, high] = [0, elements.length - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (elements[middle].offsetTop + elements[middle].offsetHeight > this.box.scrollTop) high = middle;
      else low = middle + 1;
    }
    return elements[low];
  }

  // Do something to the lines without moving those that one sees.
  still(change) {
    const element = this.visible();
    const before = element?.offsetTop;
    change();
    if (element?.isConnected) this.box.scrollTop += element.offsetTop - before;
  }

  toNewest() {
    this.box.scrollTop = this.isNewestFirst ? 0 : this.box.scrollHeight;
  }

  toOldest() {
    this.box.scrollTop = this.isNewestFirst ? this.box.scrollHeight : 0;
  }

  // The place of the last line that one sees, or the end.
  seen() {
    const { scrollTop, clientHeight } = this.box;
    const limit = scrollTop + clientHeight;
    const shown = this.lines.filter(({ element }) => element.offsetTop < limit && element.offsetTop >= scrollTop - element.offsetHeight);
    return shown.at(-1)?.offset ?? this.end;
  }

  made([offset, number, text]) {
    const line = { offset, number, text };
    line.element = row(line, this.needle);
    return line;
  }

  holds(line) {
    return this.needle !== "" && plain(line.text).toLowerCase().includes(this.needle);
  }

  put(lines, isNewer) {
    const elements = lines.map((line) => line.element);
    if (this.isNewestFirst) elements.reverse();
    const isBelow = isNewer !== this.isNewestFirst;
    if (!isBelow) this.box.prepend(...elements);
    else this.box.append(...elements);
  }

  // The line that is being written; it gives way to whole ones.
  write(text) {
    this.partial?.element.remove();
    this.partial = null;
    if (!text.length) return;
    this.partial = this.made([this.end, null, text]);
    this.partial.element.classList.add("partial");
    this.put([this.partial], true);
  }
}
