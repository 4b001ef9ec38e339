// Where the database lives when nobody says otherwise (XDG Base Directory Specification).

import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';

/** `$XDG_DATA_HOME/hellotap/hellotap.db`; the specification tells us to ignore a relative XDG_DATA_HOME. */
export function defaultDatabasePath(environment: Readonly<Record<string, string | undefined>> = process.env): string {
  const dataHome = environment['XDG_DATA_HOME'];
  const base = dataHome !== undefined && isAbsolute(dataHome) ? dataHome : join(homedir(), '.local', 'share');
  return join(base, 'hellotap', 'hellotap.db');
}
