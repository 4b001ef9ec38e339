// The messages of a handshake, to be hashed: as a whole each time that a hash is needed, which is three times, and cheaper
// than an object that keeps the state of a hash and is copied.
import { digest } from './primitives.js';
import type { HashName } from './primitives.js';

/** Where messages are put together; it grows, and nothing stays in it. */
let whole = Buffer.allocUnsafe(64 * 1024);

export class Transcript {
  private messages: Uint8Array[] = [];
  private length = 0;

  /** Adds a handshake message with its header. It is kept, and has to stay as it is. */
  add(message: Uint8Array): void {
    this.messages.push(message);
    this.length += message.length;
  }

  /** RFC 8446 section 4.4.1: what there is gives way to one message. */
  replaceWith(message: Uint8Array): void {
    this.messages = [message];
    this.length = message.length;
  }

  /** The hash of all messages so far. */
  hash(hash: HashName): Uint8Array {
    if (this.length > whole.length) whole = Buffer.allocUnsafe(2 * this.length);
    let at = 0;
    for (const message of this.messages) {
      whole.set(message, at);
      at += message.length;
    }
    return digest(hash, whole.subarray(0, at));
  }
}
