// Deterministic mutation of byte strings: the same seed gives the same inputs on every machine.

/** A small generator of random numbers (xorshift32), seeded. */
export class Random {
  constructor(private state: number) {
    if (this.state === 0) this.state = 0x9e3779b9;
  }

  /** An integer from 0 up to `limit` - 1. */
  below(limit: number): number {
    this.state ^= this.state << 13;
    this.state ^= this.state >>> 17;
    this.state ^= this.state << 5;
    return (this.state >>> 0) % Math.max(limit, 1);
  }
}

/** Values that break parsers: lengths at the edges of their fields. */
const INTERESTING = [0x00, 0x01, 0x02, 0x03, 0x04, 0x10, 0x16, 0x7f, 0x80, 0xfe, 0xff];

/** A few changes to a copy of one seed: bytes and lengths set, parts removed, doubled, or taken from another seed. */
export function mutate(corpus: readonly Uint8Array[], random: Random, maxLength: number): Uint8Array {
  let bytes: Uint8Array = Uint8Array.from(corpus[random.below(corpus.length)] ?? []);
  for (let changes = 1 + random.below(6); changes > 0; changes -= 1) bytes = change(bytes, corpus, random);
  return bytes.subarray(0, maxLength);
}

function change(bytes: Uint8Array, corpus: readonly Uint8Array[], random: Random): Uint8Array {
  const at = random.below(bytes.length);
  const span = 1 + random.below(Math.min(64, bytes.length));
  switch (random.below(8)) {
    case 0:
      bytes[at] = random.below(256);
      return bytes;
    case 1:
      bytes[at] = INTERESTING[random.below(INTERESTING.length)] ?? 0;
      return bytes;
    case 2:
      bytes[at] = (bytes[at] ?? 0) ^ (1 << random.below(8));
      return bytes;
    case 3:
      // A 16-bit field a little larger or smaller than it was.
      bytes[at] = ((bytes[at] ?? 0) + random.below(5) - 2) & 0xff;
      return bytes;
    case 4:
      return bytes.slice(0, at);
    case 5:
      return join(bytes.subarray(0, at), bytes.subarray(at + span));
    case 6:
      return join(bytes.subarray(0, at), bytes.subarray(at, at + span), bytes.subarray(at));
    default: {
      const other = corpus[random.below(corpus.length)] ?? bytes;
      const from = random.below(other.length);
      return join(bytes.subarray(0, at), other.subarray(from, from + span), bytes.subarray(at));
    }
  }
}

function join(...parts: Uint8Array[]): Uint8Array {
  return Uint8Array.from(Buffer.concat(parts));
}
