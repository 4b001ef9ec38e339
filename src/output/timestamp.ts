// Suricata's timestamp: ISO 8601 with microseconds and a numeric zone.

let cachedSecond = -1;
let cachedText = '';

/** The last second of year 9999: later times (hostile captures) are shown as its end. */
const LAST_SECOND = 253402300799;

/** `microseconds` since 1970. */
export function formatTimestamp(microseconds: number): string {
  const whole = Math.max(Math.floor(microseconds), 0);
  const second = Math.floor(whole / 1e6);
  if (second > LAST_SECOND) return '9999-12-31T23:59:59.999999+0000';
  if (second !== cachedSecond) {
    cachedSecond = second;
    cachedText = new Date(second * 1000).toISOString().slice(0, 19);
  }
  const fraction = String(whole - second * 1e6).padStart(6, '0');
  return `${cachedText}.${fraction}+0000`;
}
