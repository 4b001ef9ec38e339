// Where the package lies: the code finds what comes with it (samples, the addon) from there, bundled or not.
import { existsSync } from 'node:fs';

/** A file of the package, by its path from the package's folder. */
export function packageFile(path: string): URL {
  let folder = new URL('./', import.meta.url);
  while (!existsSync(new URL('package.json', folder)) && folder.pathname !== '/') folder = new URL('../', folder);
  return new URL(path, folder);
}
