// EncryptedExtensions (RFC 8446 section 4.3.1), once it has been decrypted.
import { readTrailingExtensions } from './extension-block.js';
import type { TrailingExtensions } from './extension-block.js';
import type { Whole } from './reader.js';

/** Decodes the body. As in a ServerHello, what is wrong inside of the block stands in `framing` and `block.fault`. */
export function decodeEncryptedExtensions(body: Uint8Array): Whole<TrailingExtensions> {
  if (body.length < 2) return { kind: 'malformed', offset: 0, reason: 'extensions end early' };
  return { kind: 'message', value: readTrailingExtensions(body, 0, body.length), end: body.length };
}
