// Loads the compiled part (native/): the packet core and the TCP client. Each room that uses a part of it says in its own
// words what that part looks like.
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { HellotapError } from './errors.js';
import { packageFile } from './package-root.js';

/** The addon's exports. Throws ERR_CAPTURE_UNAVAILABLE where it is not built. */
export function loadNativeAddon(): unknown {
  try {
    return createRequire(import.meta.url)(fileURLToPath(packageFile('native/build/Release/hellotap.node'))) as unknown;
  } catch (cause) {
    throw new HellotapError(
      'ERR_CAPTURE_UNAVAILABLE',
      'hellotap’s native code is not built for this Node.js; run `npm rebuild` (it needs a C++ compiler, make and Python 3)',
      { cause },
    );
  }
}
