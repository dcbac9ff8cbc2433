// The log viewer: every element with `data-log` and an address that answers pieces of a log (`dashboard/logs`).

import { Lines } from "./log_lines.js";
import { anchor } from "./log_row.js";
import { Search } from "./log_search.js";

const NEAR = 600; // pixels from an end of what is there at which more is asked for
const FAST = 10; // lines at once that a screen reader is spared

// What a person chose once holds on every page, where the browser may keep it.
const remembered = {
  is(key) {
    try {
      return localStorage.getItem(`log.${key}`) === "yes";
    } catch {
      return false;
    }
  },
  keep(key, value) {
    try {
      localStorage.setItem(`log.${key}`, value ? "yes" : "no");
    } catch {
      // then it holds on this page alone
    }
  },
};

class Log {
  constructor(root) {
    this.root = root;
    this.box = root.querySelector(".log-lines");
    this.said = root.querySelector(".log-said");
    this.box.setAttribute("aria-label", root.dataset.label);
    this.lines = new Lines(this.box);
    this.search = new Search(this);
    this.isOver = true;
    this.isFollowing = false;
    this.busy = null;
    this.trouble = "";
    this.listen();
    this.wrap(remembered.is("wrap"));
    this.turn(remembered.is("newest"));
    this.open();
  }

  does(name) {
    return this.root.querySelector(`[data-does=${name}]`);
  }

  listen() {
    const { signal } = (this.closing = new AbortController());
    const on = (name, type, act) => this.does(name).addEventListener(type, act, { signal });
    on("wrap", "change", (event) => this.wrap(event.target.checked, true));
    on("newest", "change", (event) => this.turn(event.target.checked, true));
    on("start", "click", () => this.toStart());
    on("end", "click", () => this.toEnd());
    on("follow", "click", () => (this.isFollowing ? this.unfollow() : this.toEnd()));
    on("up", "click", () => this.search.step(false));
    on("down", "click", () => this.search.step(true));
    const form = this.root.querySelector(".log-search");
    const input = form.querySelector("input");
    let pause = 0;
    const look = () => {
      clearTimeout(pause);
      if (input.value.toLowerCase() !== this.search.needle) this.find(input.value.toLowerCase());
    };
    input.addEventListener("input", () => {
      clearTimeout(pause);
      pause = setTimeout(look, 300);
    }, { signal });
    form.addEventListener("submit", (event) => event.preventDefault(), { signal });
    input.addEventListener("keydown", (event) => {
      if (event.key !== "Enter") return;
      if (input.value.toLowerCase() !== this.search.needle) look();
      else this.search.step(!event.shiftKey);
    }, { signal });
    this.box.addEventListener("scroll", () => this.scrolled(), { signal });
    this.box.addEventListener("keydown", (event) => this.key(event), { signal });
    this.box.addEventListener("click", (event) => this.clicked(event), { signal });
    addEventListener("hashchange", () => this.toAnchor(), { signal });
    addEventListener("pagehide", () => this.events?.close(), { signal });
    addEventListener("pageshow", (event) => event.persisted && this.open(), { signal });
  }

  close() {
    this.closing.abort();
    this.events?.close();
    this.search.stop();
  }

  address(words) {
    const address = new URL(this.root.dataset.address, location.href);
    for (const [key, value] of Object.entries(words)) if (value !== null) address.searchParams.set(key, value);
    return address;
  }

  // Ask for a piece; null where that failed, which is said.
  async ask(words, signal) {
    try {
      const answer = await fetch(this.address(words), { signal, headers: { accept: "application/json" } });
      const found = await answer.json();
      this.trouble = answer.ok ? "" : (found.error?.message ?? `The server answered ${answer.status}.`);
      this.say();
      return answer.ok ? found : null;
    } catch (error) {
      if (error.name !== "AbortError") this.trouble = "The server does not answer; reload the page to try again.";
      this.say();
      return null;
    }
  }

  // What is asked for last is shown; what was asked for before it is forgotten.
  async load(words, show) {
    this.busy?.abort();
    const asking = (this.busy = new AbortController());
    const piece = await this.ask(words, asking.signal);
    if (this.busy !== asking) return;
    this.busy = null;
    if (!piece) return;
    this.isOver = piece.is_over ?? this.isOver;
    show(piece);
    this.count();
    this.say();
  }

  async open() {
    this.events?.close();
    if (!(await this.toAnchor())) await this.toEnd();
  }

  // Go to the line that the page's address names.
  async toAnchor() {
    const [, kind, place] = /^#([LB])(\d{1,15})$/.exec(location.hash) ?? [];
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
  }

  async toEnd() {
    await this.load({}, (piece) => {
      this.lines.replace(piece);
      this.lines.toNewest();
      if (!this.isOver) this.follow();
    });
    if (!this.lines.lines.length && this.lines.start > 0) await this.earlier();
  }

  async toStart() {
    this.unfollow();
    await this.load({ after: 0 }, (piece) => {
      this.lines.replace(piece);
      this.box.scrollTop = this.lines.isNewestFirst ? this.box.scrollHeight : 0;
    });
    if (!this.lines.lines.length && !this.lines.isLast) await this.later();
  }

  // A filter may let nothing through for a while: then look on.
  async earlier() {
    let found = 0;
    while (!found && this.lines.start > 0 && !this.busy) {
      await this.load({ before: this.lines.start }, (piece) => {
        found = piece.lines.length;
        this.lines.still(() => this.lines.prepend(piece));
        if (this.isFollowing) this.lines.toNewest();
      });
      if (this.trouble) return;
    }
  }

  async later() {
    let found = 0;
    while (!found && !this.lines.isLast && !this.busy) {
      await this.load({ after: this.lines.end }, (piece) => {
        found = piece.lines.length;
        this.lines.still(() => this.lines.append(piece));
      });
      if (this.trouble) return;
    }
  }

  // Lines that are not counted yet get their numbers once they are.
  async count() {
    const first = this.lines.lines.find((line) => line.number === null);
    if (!first || this.isCounting) return;
    this.isCounting = true;
    await this.ask({ locate: first.offset }, this.closing.signal);
    const { start, lines } = this.lines;
    const piece = await this.ask({ after: start, count: Math.min(2000, lines.length || 1) }, this.closing.signal);
    this.isCounting = false;
    if (piece) this.lines.number(piece.lines);
  }

  follow() {
    this.events?.close();
    this.isFollowing = true;
    this.events = new EventSource(this.address({ follow: this.lines.end }));
    this.events.onopen = () => this.troubled("");
    this.events.onmessage = (event) => this.take(JSON.parse(event.data));
    this.events.onerror = () => this.troubled("The server does not answer; trying again…");
    this.events.addEventListener("end", () => {
      this.isOver = true;
      this.unfollow();
    });
    this.say();
  }

  unfollow() {
    this.events?.close();
    this.isFollowing = false;
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
    const { scrollTop, scrollHeight, clientHeight } = this.box;
    const below = scrollHeight - clientHeight - scrollTop;
    const [toOlder, toNewer] = this.lines.isNewestFirst ? [below, scrollTop] : [scrollTop, below];
    if (this.isFollowing && toNewer > 40) this.unfollow();
    if (this.busy) return;
    if (toOlder < NEAR && this.lines.start > 0) this.earlier();
    else if (toNewer < NEAR && !this.lines.isLast && !this.isFollowing) this.later();
    else if (toNewer < 4 && this.lines.isLast && !this.isOver && !this.isFollowing) this.follow();
  }

  key(event) {
    if (event.target !== this.box || event.ctrlKey || event.altKey || event.metaKey) return;
    if (event.key !== "Home" && event.key !== "End") return;
    event.preventDefault();
    if ((event.key === "Home") === this.lines.isNewestFirst) this.toEnd();
    else this.toStart();
  }

  clicked(event) {
    const number = event.target.closest(".log-number");
    if (!number || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    const line = this.lines.lines.find(({ element }) => element === number.parentElement);
    if (!line) return;
    this.unfollow();
    this.lines.choose(line.offset);
    history.replaceState(null, "", anchor(line));
  }

  find(needle) {
    this.lines.mark(needle);
    this.search.run(needle);
    this.say();
  }

  wrap(isOn, isChosen = false) {
    if (isChosen) remembered.keep("wrap", isOn);
    this.does("wrap").checked = isOn;
    this.lines.still(() => this.box.classList.toggle("wraps", isOn));
  }

  turn(isOn, isChosen = false) {
    if (isChosen) remembered.keep("newest", isOn);
    this.does("newest").checked = isOn;
    this.lines.turn(isOn);
    if (isChosen && this.lines.isLast) this.lines.toNewest();
  }

  // The last line that one sees, or its place.
  seen() {
    const { scrollTop, clientHeight } = this.box;
    const limit = scrollTop + clientHeight;
    const shown = this.lines.lines.filter(({ element }) => element.offsetTop < limit && element.offsetTop >= scrollTop - element.offsetHeight);
    return shown.at(-1)?.offset ?? this.lines.end;
  }

  say() {
    const follow = this.does("follow");
    follow.hidden = this.isOver;
    follow.setAttribute("aria-pressed", String(this.isFollowing));
    follow.textContent = this.isFollowing ? "Following" : "Follow";
    for (const name of ["up", "down"]) this.does(name).disabled = !this.search.matches.length;
    const words = this.trouble || this.search.words || this.place();
    if (this.said.textContent !== words) this.said.textContent = words;
  }

  troubled(words) {
    this.trouble = words;
    this.say();
  }

  place() {
    const { lines, partial, start, end, isLast, size } = this.lines;
    if (!lines.length && !partial) {
      if (!this.busy && start === 0 && isLast) return this.root.dataset.nothing;
      return size ? `Looking for lines… ${Math.round((100 * (end - start)) / size)} %` : "Looking for lines…";
    }
    if (!this.isOver && !this.isFollowing) return "New lines are not shown: Follow brings them.";
    if (start > 0) return "There are earlier lines: scroll to them.";
    return isLast ? "" : "There are later lines: scroll to them.";
  }
}

const viewers = new Map(); // by element: its address and viewer

function look() {
  for (const [root, { viewer }] of viewers) {
    if (root.isConnected) continue;
    viewer.close();
    viewers.delete(root);
  }
  for (const root of document.querySelectorAll("[data-log]")) {
    const { address } = root.dataset;
    const known = viewers.get(root);
    if (known?.address === address) continue;
    known?.viewer.close();
    root.querySelector("[data-does=download]").href = `${address}${address.includes("?") ? "&" : "?"}download=1`;
    viewers.set(root, { address, viewer: new Log(root) });
  }
}

look();
const outside = (change) => !change.target.closest?.(".log-lines, .log-tools, .log-said");
new MutationObserver((changes) => changes.some(outside) && look()).observe(document.getElementById("parts"), {
  childList: true, subtree: true, attributes: true, attributeFilter: ["data-address"],
});
