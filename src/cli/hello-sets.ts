// Hello sets by the name or folder that a command line gives.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadGoscannerHelloSet } from '../probe/goscanner-hello-set.js';
import { HELLO_SET_FILE, loadHelloSet } from '../probe/hello-set-file.js';
import type { HelloSet } from '../probe/hello-set.js';

/** Where the sets are that come with the program. */
const OWN_SETS = fileURLToPath(new URL('../../samples/hello-sets', import.meta.url));

/**
 * The set of that name among those that come with the program, else that of the folder: in our own format where there
 * is a hello-set.json, else goscanner's presets. @throws HellotapError ERR_HELLO_SET
 */
export function openHelloSet(nameOrFolder: string): HelloSet {
  if (/^[a-z0-9][a-z0-9._-]*$/.test(nameOrFolder)) {
    const own = join(OWN_SETS, nameOrFolder);
    if (existsSync(join(own, HELLO_SET_FILE))) return loadHelloSet(own);
  }
  if (existsSync(join(nameOrFolder, HELLO_SET_FILE))) return loadHelloSet(nameOrFolder);
  return loadGoscannerHelloSet(nameOrFolder);
}
