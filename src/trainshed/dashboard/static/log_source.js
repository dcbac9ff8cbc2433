// Where a log is asked for: pieces of it by place, and what is new as it comes.

export class Source {
  constructor(address, told) {
    this.base = address;
    this.told = told; // called when there is trouble, and when it is over
    this.trouble = ""; // in words
    this.isOver = true; // nothing more will be written
    this.asking = null; // the question whose answer is waited for
    this.events = null;
  }

  get isBusy() {
    return this.asking !== null;
  }

  get isFollowed() {
    return this.events !== null;
  }

  address(words) {
    const address = new URL(this.base, location.href);
    for (const [key, value] of Object.entries(words)) if (value !== null) address.searchParams.set(key, value);
    return address;
  }

  // Answer a piece; null where that failed, which is told.
  async ask(words, signal) {
    try {
      const answer = await fetch(this.address(words), { signal, headers: { accept: "application/json" } });
      const found = await answer.json();
      this.troubled(answer.ok ? "" : (found.error?.message ?? `The server answered ${answer.status}.`));
      return answer.ok ? found : null;
    } catch (error) {
      if (error.name !== "AbortError") this.troubled("The server does not answer; reload the page to try again.");
      return null;
    }
  }

  // What is asked for last counts: the answer to what was asked before is null.
  async last(words) {
    this.asking?.abort();
    const asking = (this.asking = new AbortController());
    const piece = await this.ask(words, asking.signal);
    if (this.asking !== asking) return null;
    this.asking = null;
    this.isOver = piece?.is_over ?? this.isOver;
    return piece;
  }

  // Take what is written behind a place, until `unfollow` or the end.
  follow(place, take) {
    this.unfollow();
    this.events = new EventSource(this.address({ follow: place }));
    this.events.onopen = () => this.troubled("");
    this.events.onmessage = (event) => take(JSON.parse(event.data));
    this.events.onerror = () => {
      const isRefused = this.events.readyState === EventSource.CLOSED; // it answered, and not with news: it will not try again
      if (isRefused) this.unfollow();
      this.troubled(isRefused ? "This log is not to be had any more; reload to see why." : "The server does not answer; trying again…");
    };
    this.events.addEventListener("end", () => {
      this.isOver = true;
      this.unfollow();
      this.told();
    });
  }

  unfollow() {
    this.events?.close();
    this.events = null;
  }

  close() {
    this.asking?.abort();
    this.unfollow();
  }

  troubled(words) {
    this.trouble = words;
    this.told();
  }
}
