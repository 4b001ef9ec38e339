// What the operating system says against a file or a name, in its own words.
import { accessSync, constants } from 'node:fs';
import { getSystemErrorMap } from 'node:util';

/** "no such file or directory" of what Node.js calls "ENOENT: no such file or directory, open 'x'". */
export function systemReason(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  const { errno } = cause as NodeJS.ErrnoException;
  return (errno === undefined ? undefined : getSystemErrorMap().get(errno)?.[1]) ?? cause.message;
}

/** Why something cannot be read, in the system's words; null where it can, as far as can be told without opening it. */
export function unreadableReason(path: string): string | null {
  try {
    accessSync(path, constants.R_OK);
    return null;
  } catch (cause) {
    return systemReason(cause);
  }
}
