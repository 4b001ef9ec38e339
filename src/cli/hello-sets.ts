// Hello sets by the name or folder that a command line gives.
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { HellotapError } from '../errors.js';
import { packageFile } from '../package-root.js';
import { loadGoscannerHelloSet } from '../probe/goscanner-hello-set.js';
import { HELLO_SET_FILE, loadHelloSet } from '../probe/hello-set-file.js';
import type { HelloSet } from '../probe/hello-set.js';

/** Where the sets are that come with the program. */
const OWN_SETS = fileURLToPath(packageFile('samples/hello-sets'));

/**
 * The set of that name among those that come with the program, else that of the folder: in our own format where there
 * is a hello-set.json, else goscanner's presets. Presets that send what a set of ours sends are that set, so that what
 * is found out with them can be compared. @throws HellotapError ERR_HELLO_SET
 */
export function openHelloSet(nameOrFolder: string): HelloSet {
  const own = ownNames();
  if (own.includes(nameOrFolder)) return loadHelloSet(join(OWN_SETS, nameOrFolder));
  if (!existsSync(nameOrFolder)) {
    throw new HellotapError('ERR_HELLO_SET', `${nameOrFolder}: neither a folder nor one of ${own.join(', ')}`);
  }
  if (existsSync(join(nameOrFolder, HELLO_SET_FILE))) return loadHelloSet(nameOrFolder);
  const presets = loadGoscannerHelloSet(nameOrFolder);
  const same = own.map((name) => loadHelloSet(join(OWN_SETS, name))).find(({ digest }) => digest === presets.digest);
  return same ?? presets;
}

function ownNames(): string[] {
  return readdirSync(OWN_SETS).filter((name) => existsSync(join(OWN_SETS, name, HELLO_SET_FILE)));
}
