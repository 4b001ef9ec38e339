// One TLS extension as it stood on the wire. What its data means is the matter of extensions.ts and the hello decoders.
import type { ExtensionType } from './constants.js';

/** RFC 8446 section 4.2: `extension_type` and the bytes of `extension_data`. `data` is a view, not a copy. */
export interface Extension {
  readonly type: ExtensionType;
  readonly data: Uint8Array;
}
