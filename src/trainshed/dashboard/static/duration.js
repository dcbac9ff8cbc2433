// How durations are written, as the server writes them: `250 ms`, `1.5 s`, `2 min 3 s`, `4 h 5 min`, `2 d 3 h`.

const MINUTE = 60, HOUR = 3600, DAY = 86400;

export function duration(seconds) {
  const millis = halfUp(seconds * 1000), tenths = halfUp(seconds * 10);
  if (millis < 1000) return `${millis} ms`;
  if (tenths < 10 * MINUTE) return `${(tenths / 10).toFixed(1)} s`;
  return long(Math.max(seconds, MINUTE));
}

export function counting(seconds) {
  return seconds < MINUTE ? `${Math.floor(seconds)} s` : long(seconds);
}

function halfUp(value) {
  return Math.round(Number(value.toPrecision(12))); // a fraction that stands for a half counts as one
}

function long(seconds) {
  if (seconds < HOUR) return `${Math.floor(seconds / MINUTE)} min ${Math.floor(seconds % MINUTE)} s`;
  if (seconds < DAY) return `${Math.floor(seconds / HOUR)} h ${Math.floor((seconds % HOUR) / MINUTE)} min`;
  return `${Math.floor(seconds / DAY)} d ${Math.floor((seconds % DAY) / HOUR)} h`;
}
