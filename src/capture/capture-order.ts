// Which of several capture files comes first: they are read as one stream, in order of the time of their first packets.
import { peekCapture } from './packet-core.js';

/** A capture file, and when it begins. */
export interface DatedCapture {
  readonly path: string;
  /** Microseconds since 1970 of its first packet; null where it has none, or cannot be read. */
  readonly firstTime: number | null;
}

/** The files in order of time; those without one first, and equal ones as they were given. */
export function inOrderOfTime(paths: readonly string[]): DatedCapture[] {
  const dated = paths.map((path) => ({ path, firstTime: firstTimeOf(path) }));
  return dated.sort((a, b) => (a.firstTime ?? -1) - (b.firstTime ?? -1));
}

/** When a capture begins; null also where it cannot be read, for whoever opens it then learns why. */
export function firstTimeOf(path: string): number | null {
  try {
    return peekCapture(path).firstTime;
  } catch {
    return null;
  }
}
