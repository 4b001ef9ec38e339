// Marks our probes so that only we can tell: the session id is a keyed hash of the random, and so looks as random as the
// scanner's own. A tap beside the prober recognises its hellos by it without any state that the two would have to share.
import { createHmac, randomBytes } from 'node:crypto';
import type { NamedGroup } from '../tls/constants.js';
import { EphemeralKeys } from '../tls/crypto/key-exchange.js';
import type { KeyShare } from '../tls/crypto/key-exchange.js';
import type { HandshakeRandomness } from './version-handshake.js';

const KEY_LENGTH = 32;
/** Random bytes fetched at a time: one call for many hellos. */
const POOL_LENGTH = 4096;

/** The mark of one process, or of several that share a key. */
export class OwnHelloMark {
  /** @param key 32 bytes that stay secret; without one, a fresh key that no other process knows */
  constructor(readonly key: Uint8Array = randomBytes(KEY_LENGTH)) {}

  /** The session id that goes with a random: 32 bytes. */
  sessionIdFor(random: Uint8Array): Uint8Array {
    return createHmac('sha256', this.key).update(random).digest();
  }

  /** Whether a Client Hello with this random and session id is one of ours. */
  isOwnHello(random: Uint8Array, sessionId: Uint8Array): boolean {
    // Cheap for all but a few hellos of others: browsers do send 32 bytes, so the hash cannot be skipped altogether.
    return (
      sessionId.length === 32 && random.length === 32 && Buffer.compare(this.sessionIdFor(random), sessionId) === 0
    );
  }
}

/** Randomness for handshakes whose hellos carry the mark. */
export class MarkedRandomness implements HandshakeRandomness {
  private pool: Uint8Array = new Uint8Array(0);
  private used = 0;
  private readonly keys = new EphemeralKeys();

  constructor(private readonly mark: OwnHelloMark) {}

  helloRandoms(): { random: Uint8Array; sessionId: Uint8Array } {
    const random = this.bytes(32);
    return { random, sessionId: this.mark.sessionIdFor(random) };
  }

  /** Fresh bytes that nobody else gets; the caller may write to them. */
  bytes(length: number): Uint8Array {
    if (this.used + length > this.pool.length) {
      this.pool = randomBytes(Math.max(POOL_LENGTH, length));
      this.used = 0;
    }
    const start = this.used;
    this.used += length;
    return this.pool.subarray(start, this.used);
  }

  keyShare(group: NamedGroup): KeyShare | null {
    return this.keys.share(group);
  }

  /** One random byte. */
  byte(): number {
    return this.bytes(1)[0] ?? 0;
  }
}
