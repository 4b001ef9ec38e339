// From `--database` to the open database: the default place is made where it is missing, a named one only where asked for.
import { defaultDatabasePath } from '../database/default-path.js';
import { Store } from '../database/store.js';

/** What `databaseOption` yields. */
export interface DatabaseOptions {
  readonly database?: string;
}

/** @param create whether a missing file is made. @throws HellotapError ERR_DATABASE_… */
export function openStore({ database }: DatabaseOptions, create = true): Store {
  return database === undefined
    ? Store.open(defaultDatabasePath(), { create, createFolder: create })
    : Store.open(database, { create });
}
