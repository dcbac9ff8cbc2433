// What a log says about itself in one line: what is wrong, what was found, where one is.

export function words(log) {
  return log.source.trouble || log.search.words || place(log);
}

function place({ root, source, lines: { lines, partial, start, end, isLast, size } }) {
  if (!lines.length && !partial) {
    if (!source.isBusy && start === 0 && isLast) return root.dataset.nothing;
    return size ? `Looking for lines… ${Math.round((100 * (end - start)) / size)} %` : "Looking for lines…";
  }
  if (!source.isOver && !source.isFollowed) return "New lines are not shown: Follow brings them.";
  if (start > 0) return "There are earlier lines: scroll to them.";
  if (!isLast) return "There are later lines: scroll to them.";
  if (source.isFollowed) return "New lines come by themselves.";
  return lines.length === 1 ? "1 line, all of it" : `${lines.length} lines, all of it`;
}
