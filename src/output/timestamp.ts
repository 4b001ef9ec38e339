// Suricata's timestamp: ISO 8601 with microseconds and a numeric zone.

let cachedSecond = -1;
let cachedText = '';

/** `microseconds` since 1970; years beyond 9999 (hostile captures) are clamped. */
export function formatTimestamp(microseconds: number): string {
  const clamped = Math.min(Math.max(Math.floor(microseconds), 0), 253402300799999999);
  const second = Math.floor(clamped / 1e6);
  if (second !== cachedSecond) {
    cachedSecond = second;
    cachedText = new Date(second * 1000).toISOString().slice(0, 20);
  }
  return `${cachedText}${String(clamped - second * 1e6).padStart(6, '0')}+0000`;
}
