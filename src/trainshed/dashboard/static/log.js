// The log viewers of a page: one for every element with `data-log` and an address that answers pieces of a log
// (`dashboard/logs`). Elements come and go, and get other addresses, while one looks.

import { Log } from "./log_viewer.js";

const viewers = new Map(); // by element: what it shows, and its viewer

function shown({ address, line = "" }) {
  return `${address} ${line}`;
}

function look() {
  for (const [root, { viewer }] of viewers) {
    if (root.isConnected) continue;
    viewer.close();
    viewers.delete(root);
  }
  for (const root of document.querySelectorAll("[data-log]")) {
    const known = viewers.get(root);
    if (known?.shows === shown(root.dataset)) continue;
    known?.viewer.close();
    const { address } = root.dataset;
    root.querySelector("[data-does=download]").href = `${address}${address.includes("?") ? "&" : "?"}download=1`;
    viewers.set(root, { shows: shown(root.dataset), viewer: new Log(root) });
  }
}

look();
const outside = (change) => !change.target.closest?.(".log-lines, .log-tools, .log-said");
new MutationObserver((changes) => changes.some(outside) && look()).observe(document.getElementById("parts"), {
  childList: true, subtree: true, attributes: true, attributeFilter: ["data-address", "data-line"],
});
