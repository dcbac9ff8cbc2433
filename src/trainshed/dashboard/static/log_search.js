// The lines of a log that hold a text, found by the server from the end to the beginning, a stretch at a time.

const MOST = 10_000;

export class Search {
  constructor(log) {
    this.log = log;
    this.stop();
  }

  stop() {
    this.asking?.abort();
    this.needle = "";
    this.matches = []; // places of lines, the last one first
    this.current = -1;
    this.searched = 1; // part of the log
  }

  async run(needle) {
    this.stop();
    this.needle = needle;
    if (!needle) return;
    const asking = (this.asking = new AbortController());
    this.searched = 0;
    let before = null;
    do {
      const found = await this.log.source.ask({ find: needle, before }, asking.signal);
      if (!found || asking.signal.aborted) return;
      before = found.before;
      this.matches.push(...found.matches);
      this.searched = found.size ? 1 - before / found.size : 1;
      if (this.current < 0 && this.matches.length) this.nearest();
      this.log.say();
    } while (before > 0 && this.matches.length < MOST);
    this.searched = 1;
    this.log.say();
  }

  // Lines that came after the search.
  add(lines) {
    if (!lines.length || lines[0].offset <= (this.matches[0] ?? -1)) return;
    this.matches.unshift(...lines.map((line) => line.offset).reverse());
    if (this.current >= 0) this.current += lines.length;
  }

  nearest() {
    const seen = this.log.lines.seen();
    const place = this.matches.findIndex((offset) => offset <= seen);
    this.go(place < 0 ? this.matches.length - 1 : place);
  }

  // Up or down on the screen.
  step(isDown) {
    if (!this.matches.length) return;
    const isNewer = isDown !== this.log.lines.isNewestFirst;
    const next = this.current + (isNewer ? -1 : 1);
    this.go((next + this.matches.length) % this.matches.length);
  }

  go(place) {
    this.current = place;
    this.log.goTo(this.matches[place]);
    this.log.say();
  }

  get words() {
    if (!this.needle) return "";
    const count = this.matches.length;
    const more = this.searched < 1 ? `, searching… ${Math.floor(100 * this.searched)} %` : "";
    if (!count) return this.searched < 1 ? `Searching… ${Math.floor(100 * this.searched)} %` : `No line has “${this.needle}”.`;
    return `Line ${count - this.current} of ${count}${count >= MOST ? " or more" : ""} with “${this.needle}”${more}`;
  }
}
