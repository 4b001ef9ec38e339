// Times as people and tables write them, to whole seconds since 1970 and back.

const DATE = /^(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(?:\.\d+)?)?)?(Z|\+00:?00|\s*UTC)?$/i;

/** `2022-06-27`, `2022-06-27 14:00:05`, `2022-06-27T14:00:05Z` as seconds since 1970 (UTC); null: not a time of 1970 or later. */
export function parseTime(text: string): number | null {
  const match = DATE.exec(text.trim());
  if (match === null) return null;
  const part = (index: number): number => Number(match[index] ?? 0);
  const [year, month, day, hour, minute, second] = [part(1), part(2) - 1, part(3), part(4), part(5), part(6)];
  // Date.UTC rolls 31 June over into July; a date that does not exist is refused instead. A leap second is its minute's last.
  const date = new Date(Date.UTC(year, month, day, hour, minute, Math.min(second, 59)));
  if (date.getUTCMonth() !== month || date.getUTCDate() !== day || hour > 23 || minute > 59 || second > 60) return null;
  const seconds = date.getTime() / 1000;
  return seconds >= 0 ? seconds : null;
}

/** ISO 8601 with seconds, UTC. */
export function timeText(seconds: number): string {
  return new Date(seconds * 1000).toISOString().replace('.000Z', 'Z');
}
