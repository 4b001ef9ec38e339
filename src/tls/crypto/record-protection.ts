// Seals and opens the fragments of records: the AEAD, CBC and stream constructions of TLS 1.0 to 1.3.
// One object is one direction under one set of keys. What may be in a record, and when, is the record layer's business.
import { randomFillSync, timingSafeEqual } from 'node:crypto';
import { ProtocolVersion } from '../constants.js';
import type { LegacySuite, MacHash } from './cipher-suites.js';
import { MAC_LENGTH } from './cipher-suites.js';
import type { TrafficKeys } from './key-schedule.js';
import { aeadOpen, aeadSeal, cbc, hmac, TAG_LENGTH, type AeadCipher, type CbcCipher } from './primitives.js';
import { Rc4 } from './rc4.js';

/** One direction of a connection under one set of keys. Records have to be given in order. */
export interface RecordProtection {
  /** The fragment that goes onto the wire. `version` and `type` are those of the record's header. */
  seal(type: number, version: number, plaintext: Uint8Array): Uint8Array;
  /** What was sealed, null where it is not authentic. Of TLS 1.3 this is TLSInnerPlaintext with its type and padding. */
  open(type: number, version: number, fragment: Uint8Array): Uint8Array | null;
}

/** Keys of one direction, cut from the key block. RFC 5246 section 6.3. */
export interface LegacyKeys {
  readonly mac: Uint8Array;
  readonly key: Uint8Array;
  readonly iv: Uint8Array;
}

/** Lengths of the pieces of the key block, in bytes. TLS 1.1 and later have no CBC IV in it; taking one does no harm. */
export function keyLengths({ protection }: LegacySuite): { mac: number; key: number; iv: number } {
  switch (protection.kind) {
    case 'aead':
      return { mac: 0, key: protection.keyLength, iv: protection.ivLength };
    case 'cbc':
      return { mac: MAC_LENGTH[protection.mac], key: protection.keyLength, iv: protection.blockLength };
    case 'rc4':
      return { mac: MAC_LENGTH[protection.mac], key: protection.keyLength, iv: 0 };
  }
}

/** Protection of TLS 1.0 to 1.2 for one direction. */
export function legacyProtection(
  { protection }: LegacySuite,
  version: ProtocolVersion,
  keys: LegacyKeys,
): RecordProtection {
  switch (protection.kind) {
    case 'aead':
      return protection.ivLength === 4
        ? new ExplicitNonceAead(protection.cipher, keys.key, keys.iv)
        : new ImplicitNonceAead(protection.cipher, keys.key, keys.iv, false);
    case 'cbc':
      return new Cbc(protection.cipher, protection.blockLength, protection.mac, version, keys);
    case 'rc4':
      return new StreamCipher(protection.mac, keys);
  }
}

/** Protection of TLS 1.3 for one direction. RFC 8446 section 5.2. */
export function tls13Protection(cipher: AeadCipher, keys: TrafficKeys): RecordProtection {
  return new ImplicitNonceAead(cipher, keys.key, keys.iv, true);
}

const EXPLICIT_NONCE_LENGTH = 8;

// Made for each record, and gone with it: nothing else runs between writing and using them.
const nonce = Buffer.alloc(12);
const sequencedHeader = Buffer.alloc(8 + 1 + 2 + 2);
const plainHeader = Buffer.alloc(1 + 2 + 2);

/** `seq_num`, `type`, `version`, `length`: what both the MAC and the AEAD of TLS 1.2 cover besides the data. */
function writeSequencedHeader(sequence: number, type: number, version: number, length: number): Uint8Array {
  writeSequence(sequencedHeader, 0, sequence);
  writeHeader(sequencedHeader, 8, type, version, length);
  return sequencedHeader;
}

function writeHeader(out: Uint8Array, at: number, type: number, version: number, length: number): void {
  out[at] = type;
  out[at + 1] = version >> 8;
  out[at + 2] = version;
  out[at + 3] = length >> 8;
  out[at + 4] = length;
}

/** As an unsigned 64-bit number. No connection of ours comes near 2^53 records. */
function writeSequence(out: Uint8Array, at: number, sequence: number): void {
  const high = Math.floor(sequence / 0x1_0000_0000);
  out[at] = high >>> 24;
  out[at + 1] = high >>> 16;
  out[at + 2] = high >>> 8;
  out[at + 3] = high;
  out[at + 4] = sequence >>> 24;
  out[at + 5] = sequence >>> 16;
  out[at + 6] = sequence >>> 8;
  out[at + 7] = sequence;
}

/** AES-GCM of TLS 1.2: four bytes of the nonce from the key block, eight in each record. RFC 5288 section 3. */
class ExplicitNonceAead implements RecordProtection {
  private sequence = 0;

  constructor(
    private readonly cipher: AeadCipher,
    private readonly key: Uint8Array,
    private readonly iv: Uint8Array,
  ) {}

  seal(type: number, version: number, plaintext: Uint8Array): Uint8Array {
    const out = Buffer.allocUnsafe(EXPLICIT_NONCE_LENGTH + plaintext.length + TAG_LENGTH);
    writeSequence(out, 0, this.sequence);
    this.writeNonce(out);
    const header = writeSequencedHeader(this.sequence++, type, version, plaintext.length);
    aeadSeal(this.cipher, this.key, nonce, header, plaintext, out.subarray(EXPLICIT_NONCE_LENGTH));
    return out;
  }

  open(type: number, version: number, fragment: Uint8Array): Uint8Array | null {
    const length = fragment.length - EXPLICIT_NONCE_LENGTH - TAG_LENGTH;
    if (length < 0) return null;
    this.writeNonce(fragment);
    const header = writeSequencedHeader(this.sequence++, type, version, length);
    return aeadOpen(this.cipher, this.key, nonce, header, fragment.subarray(EXPLICIT_NONCE_LENGTH));
  }

  private writeNonce(fragment: Uint8Array): void {
    nonce.set(this.iv);
    nonce.set(fragment.subarray(0, EXPLICIT_NONCE_LENGTH), 4);
  }
}

/** ChaCha20-Poly1305 of TLS 1.2 (RFC 7905 section 2) and every AEAD of TLS 1.3: IV XOR sequence number. */
class ImplicitNonceAead implements RecordProtection {
  private sequence = 0;

  constructor(
    private readonly cipher: AeadCipher,
    private readonly key: Uint8Array,
    private readonly iv: Uint8Array,
    private readonly tls13: boolean,
  ) {}

  seal(type: number, version: number, plaintext: Uint8Array): Uint8Array {
    const header = this.advance(type, version, plaintext.length);
    const out = Buffer.allocUnsafe(plaintext.length + TAG_LENGTH);
    aeadSeal(this.cipher, this.key, nonce, header, plaintext, out);
    return out;
  }

  open(type: number, version: number, fragment: Uint8Array): Uint8Array | null {
    const length = fragment.length - TAG_LENGTH;
    if (length < 0) return null;
    const header = this.advance(type, version, length);
    return aeadOpen(this.cipher, this.key, nonce, header, fragment);
  }

  /** Writes the nonce of the next record, and its additional data, which it gives. */
  private advance(type: number, version: number, plaintextLength: number): Uint8Array {
    const { iv } = this;
    const sequence = this.sequence++;
    nonce.fill(0, 0, 4);
    writeSequence(nonce, 4, sequence);
    for (let at = 0; at < nonce.length; at++) nonce[at] = (nonce[at] ?? 0) ^ (iv[at] ?? 0);
    if (!this.tls13) return writeSequencedHeader(sequence, type, version, plaintextLength);
    // RFC 8446 section 5.2: additional_data is the record's header as it goes onto the wire.
    writeHeader(plainHeader, 0, type, version, plaintextLength + TAG_LENGTH);
    return plainHeader;
  }
}

/** HMAC of TLS 1.0 to 1.2 over sequence number, header and data. RFC 5246 section 6.2.3.1. */
class RecordMac {
  readonly length: number;
  private sequence = 0;

  constructor(
    private readonly hash: MacHash,
    private readonly key: Uint8Array,
  ) {
    this.length = MAC_LENGTH[hash];
  }

  next(type: number, version: number, data: Uint8Array): Uint8Array {
    return hmac(this.hash, this.key, writeSequencedHeader(this.sequence++, type, version, data.length), data);
  }
}

/** Block ciphers: MAC, then pad, then encrypt. RFC 5246 section 6.2.3.2; TLS 1.0 chains the IV from record to record. */
class Cbc implements RecordProtection {
  private readonly mac: RecordMac;
  private readonly key: Uint8Array;
  private readonly explicitIvLength: number;
  /** TLS 1.0: the last block that went over the wire. */
  private chainedIv: Uint8Array;

  constructor(
    private readonly cipher: CbcCipher,
    private readonly blockLength: number,
    mac: MacHash,
    version: ProtocolVersion,
    keys: LegacyKeys,
  ) {
    this.mac = new RecordMac(mac, keys.mac);
    this.key = keys.key;
    this.chainedIv = keys.iv;
    this.explicitIvLength = version >= ProtocolVersion.Tls11 ? blockLength : 0;
  }

  seal(type: number, version: number, plaintext: Uint8Array): Uint8Array {
    const { blockLength, explicitIvLength } = this;
    const mac = this.mac.next(type, version, plaintext);
    const length = plaintext.length + mac.length;
    const padding = blockLength - (length % blockLength);
    const padded = Buffer.allocUnsafe(length + padding);
    padded.set(plaintext);
    padded.set(mac, plaintext.length);
    padded.fill(padding - 1, length);
    const out = Buffer.allocUnsafe(explicitIvLength + padded.length);
    if (explicitIvLength > 0) randomFillSync(out, 0, explicitIvLength);
    cbc(this.cipher, 'encrypt', this.key, this.ivOf(out), padded, out.subarray(explicitIvLength));
    this.chainedIv = out.subarray(out.length - blockLength);
    return out;
  }

  open(type: number, version: number, fragment: Uint8Array): Uint8Array | null {
    const { blockLength, explicitIvLength, mac } = this;
    const shortest = explicitIvLength + Math.ceil((mac.length + 1) / blockLength) * blockLength;
    if (fragment.length % blockLength !== 0 || fragment.length < shortest) return null;
    const padded = Buffer.allocUnsafe(fragment.length - explicitIvLength);
    cbc(this.cipher, 'decrypt', this.key, this.ivOf(fragment), fragment.subarray(explicitIvLength), padded);
    this.chainedIv = fragment.subarray(fragment.length - blockLength);
    const padding = (padded[padded.length - 1] ?? 0) + 1;
    const length = padded.length - padding - mac.length;
    if (length < 0) return null;
    // Nothing of ours is secret here, so checking padding and MAC one after the other gives nothing away that matters.
    for (let at = padded.length - padding; at < padded.length; at++) if (padded[at] !== padding - 1) return null;
    const plaintext = padded.subarray(0, length);
    const expected = mac.next(type, version, plaintext);
    return timingSafeEqual(expected, padded.subarray(length, length + mac.length)) ? plaintext : null;
  }

  private ivOf(fragment: Uint8Array): Uint8Array {
    const { explicitIvLength } = this;
    return explicitIvLength > 0 ? fragment.subarray(0, explicitIvLength) : this.chainedIv;
  }
}

/** RC4 with a MAC. RFC 5246 section 6.2.3.1. */
class StreamCipher implements RecordProtection {
  private readonly mac: RecordMac;
  private readonly stream: Rc4;

  constructor(mac: MacHash, keys: LegacyKeys) {
    this.mac = new RecordMac(mac, keys.mac);
    this.stream = new Rc4(keys.key);
  }

  seal(type: number, version: number, plaintext: Uint8Array): Uint8Array {
    const mac = this.mac.next(type, version, plaintext);
    const joined = new Uint8Array(plaintext.length + mac.length);
    joined.set(plaintext);
    joined.set(mac, plaintext.length);
    return this.stream.apply(joined);
  }

  open(type: number, version: number, fragment: Uint8Array): Uint8Array | null {
    if (fragment.length < this.mac.length) return null;
    const joined = this.stream.apply(fragment);
    const length = joined.length - this.mac.length;
    const plaintext = joined.subarray(0, length);
    const expected = this.mac.next(type, version, plaintext);
    return timingSafeEqual(expected, joined.subarray(length)) ? plaintext : null;
  }
}
