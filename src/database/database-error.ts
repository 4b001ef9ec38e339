// SQLite's result codes as HellotapErrors: what happened to which file, and what to do about it.

import { HellotapError } from '../errors.js';

/** Translates an error of the SQLite binding; any other error is given back as it is. */
export function databaseError(error: unknown, path: string): unknown {
  if (!isSqliteError(error)) return error;
  const cause = { cause: error };
  const code = error.code;
  if (code.startsWith('SQLITE_BUSY') || code.startsWith('SQLITE_LOCKED')) {
    return new HellotapError(
      'ERR_DATABASE_BUSY',
      `${path}: another process is writing to the database; try again when it is done`,
      cause,
    );
  }
  if (code === 'SQLITE_NOTADB') {
    return new HellotapError('ERR_DATABASE_FORMAT', `${path}: not a hellotap database (not SQLite at all)`, cause);
  }
  if (code.startsWith('SQLITE_CORRUPT')) {
    return new HellotapError(
      'ERR_DATABASE_FORMAT',
      `${path}: the database is damaged (${error.message}); restore a copy, or import its sources into a new one`,
      cause,
    );
  }
  if (code === 'SQLITE_FULL') {
    return new HellotapError(
      'ERR_DATABASE_WRITE',
      `${path}: no space left for the database or its temporary files; nothing of this step was stored`,
      cause,
    );
  }
  if (code.startsWith('SQLITE_READONLY')) {
    return new HellotapError('ERR_DATABASE_WRITE', `${path}: no right to write to the database`, cause);
  }
  if (code.startsWith('SQLITE_IOERR')) {
    return new HellotapError(
      'ERR_DATABASE_WRITE',
      `${path}: reading or writing failed (${error.code}); nothing of this step was stored`,
      cause,
    );
  }
  if (code.startsWith('SQLITE_CANTOPEN')) {
    return new HellotapError(
      'ERR_DATABASE_OPEN',
      `${path}: cannot be opened; is it a file in a folder that exists and may be written to?`,
      cause,
    );
  }
  return error;
}

/** Told by its name: there are two editions of the binding, and a failure may have other reasons than that none is loaded. */
function isSqliteError(error: unknown): error is Error & { readonly code: string } {
  return error instanceof Error && error.name === 'SqliteError' && 'code' in error && typeof error.code === 'string';
}
