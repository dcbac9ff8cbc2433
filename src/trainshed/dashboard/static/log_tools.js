// The tools of a log: its buttons, switches, search and keys, each of which asks the log to do something.

import { anchor } from "./log_row.js";
import { rename } from "./visit.js";

const NARROW = matchMedia("(max-width: 600px)"); // where long lines wrap unless somebody chose otherwise
const TYPING = 300; // milliseconds without a key after which is searched

// What a person chose once holds on every page, where the browser may keep it.
const remembered = {
  is(key) {
    const otherwise = key === "wrap" && NARROW.matches;
    try {
      const kept = localStorage.getItem(`log.${key}`);
      return kept === null ? otherwise : kept === "yes";
    } catch {
      return otherwise;
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

export class Tools {
  constructor(log) {
    this.log = log;
    this.listening = new AbortController();
    this.switch("wrap", (isOn) => log.wrap(isOn));
    this.switch("newest", (isOn, isChosen) => log.turn(isOn, isChosen));
    this.on(this.tool("start"), "click", () => log.toStart());
    this.on(this.tool("end"), "click", () => log.toEnd());
    this.on(this.tool("follow"), "click", () => (log.source.isFollowed ? log.unfollow() : log.toEnd()));
    this.on(this.tool("up"), "click", () => log.search.step(false));
    this.on(this.tool("down"), "click", () => log.search.step(true));
    this.on(log.box, "scroll", () => log.scrolled());
    this.on(log.box, "keydown", (event) => this.key(event));
    this.on(log.box, "click", (event) => this.clicked(event));
    this.on(window, "hashchange", () => log.toAnchor());
    this.on(window, "pagehide", () => log.source.unfollow());
    this.on(window, "pageshow", (event) => event.persisted && log.open());
    this.searching();
  }

  tool(name) {
    return this.log.root.querySelector(`[data-does=${name}]`);
  }

  on(target, type, act) {
    target.addEventListener(type, act, { signal: this.listening.signal });
  }

  close() {
    this.listening.abort();
  }

  switch(name, act) {
    const box = this.tool(name);
    box.checked = remembered.is(name);
    act(box.checked, false);
    this.on(box, "change", () => {
      remembered.keep(name, box.checked);
      act(box.checked, true);
    });
  }

  searching() {
    const { log } = this;
    const form = log.root.querySelector(".log-search");
    const input = form.querySelector("input");
    const isNew = () => input.value.toLowerCase() !== log.search.needle;
    let pause = 0;
    const look = () => {
      clearTimeout(pause);
      if (isNew()) log.find(input.value.toLowerCase());
    };
    this.on(input, "input", () => {
      clearTimeout(pause);
      pause = setTimeout(look, TYPING);
    });
    this.on(form, "submit", (event) => event.preventDefault());
    this.on(input, "keydown", (event) => {
      if (event.key !== "Enter") return;
      if (isNew()) look();
      else log.search.step(!event.shiftKey);
    });
  }

  key(event) {
    const { log } = this;
    if (event.target !== log.box || event.ctrlKey || event.altKey || event.metaKey) return;
    if (event.key !== "Home" && event.key !== "End") return;
    event.preventDefault();
    if ((event.key === "Home") === log.lines.isNewestFirst) log.toEnd();
    else log.toStart();
  }

  clicked(event) {
    const number = event.target.closest(".log-number");
    if (!number || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    const line = this.log.lines.of(number.parentElement);
    if (!line) return;
    this.log.unfollow();
    this.log.lines.choose(line.offset);
    this.name(anchor(line));
  }

  // The page's address is that of a line from now on. It goes to other people, so it has to mean the same log later on.
  name(place) {
    const address = new URL(place, location.href);
    for (const [word, value] of new URLSearchParams(this.log.root.dataset.pin)) address.searchParams.set(word, value);
    rename(address);
  }

  // Show what can be done now.
  show() {
    const { source, search } = this.log;
    const follow = this.tool("follow");
    follow.hidden = source.isOver;
    follow.setAttribute("aria-pressed", String(source.isFollowed));
    follow.textContent = source.isFollowed ? "Following" : "Follow";
    for (const name of ["up", "down"]) this.tool(name).disabled = !search.matches.length;
  }
}
