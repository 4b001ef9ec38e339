// The SQLite binding, in the edition that suits this Node.js. better-sqlite3 13 is a Node-API addon that comes ready made,
// but needs Node-API 10 (Node.js 22.14). Edition 12 serves Node.js 20; compiled with the headers of Node.js 24.19 and later it
// would abort the process in a garbage collection (their node::ObjectWrap wants an environment in its destructor).
import { createRequire } from 'node:module';
import type Database from 'better-sqlite3';
import { HellotapError } from '../errors.js';

type Binding = typeof Database;

const NODE_API = 'better-sqlite3-napi';
const BEFORE_NODE_API_10 = 'better-sqlite3';

let loaded: Binding | undefined;

/** The binding. Throws ERR_DATABASE_OPEN, with what to do, where it is not installed or not built. */
export function sqlite(): Binding {
  if (loaded !== undefined) return loaded;
  const name = Number(process.versions['napi']) >= 10 ? NODE_API : BEFORE_NODE_API_10;
  try {
    const binding = createRequire(import.meta.url)(name) as Binding;
    new binding(':memory:').close(); // the addon itself is loaded by its first use
    loaded = binding;
    return binding;
  } catch (cause) {
    throw new HellotapError(
      'ERR_DATABASE_OPEN',
      'the SQLite binding is not built for this Node.js; run `npm rebuild` (it may need a C++ compiler, make and Python 3), ' +
        'or install again with the install scripts allowed',
      { cause },
    );
  }
}
