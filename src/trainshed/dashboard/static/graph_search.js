// Finds nodes by their names, those that are folded away too.

const PAUSE = 120;

export class Search {
  constructor(graph) {
    this.graph = graph;
    this.input = graph.section.querySelector(".graph-search");
    this.said = graph.section.querySelector("[role=status]");
    this.place = 0;
    this.input.addEventListener("input", () => {
      clearTimeout(this.waiting);
      this.waiting = setTimeout(() => this.look(), PAUSE);
    });
    this.input.addEventListener("keydown", (event) => {
      if (event.key !== "Enter") return;
      event.preventDefault();
      clearTimeout(this.waiting);
      this.look(event.shiftKey ? -1 : 1, true);
    });
  }

  look(step = 0, isMeant = false) {
    const word = this.input.value.trim().toLowerCase();
    if (word !== this.word) [this.word, this.place, step] = [word, 0, 0];
    const found = word ? this.matches(word) : [];
    this.graph.painter.mark(new Set(found.map((match) => match.id)));
    this.place = found.length ? (this.place + step + found.length) % found.length : 0;
    const match = found[this.place];
    this.said.textContent = !word ? "" : match ? `${this.place + 1} of ${found.length}: ${match.label}` : "Nothing is called so";
    if (match?.href && isMeant) this.graph.go(match.href, match.id);
    else if (match?.node) {
      this.graph.current = match.id;
      this.graph.camera.reveal(match.node.place);
    }
    this.graph.paint();
  }

  // What is folded away is gone to only by Enter, when it is the one that is meant.
  matches(word) {
    const has = (id, label) => id.toLowerCase().includes(word) || label.toLowerCase().includes(word);
    const shown = this.graph.nodes.filter((node) => has(node.id, node.label)).map((node) => ({ id: node.id, label: node.label, node }));
    if (shown.length) return shown;
    const hidden = this.graph.hidden.filter(([id, label]) => has(id, label));
    return hidden.map(([id, label]) => ({ id, label: `${label}, folded away: Enter shows it`, href: this.graph.base + encodeURIComponent(id) }));
  }
}
