// Seals and opens the fragments of records: the AEAD, CBC and stream constructions of TLS 1.0 to 1.3 over node:crypto.
// One object is one direction under one set of keys. What may be in a record, and when, is the record layer's business.
import { createCipheriv, createDecipheriv, createHmac, randomFillSync, timingSafeEqual } from 'node:crypto';
import type { CipherGCMTypes, Cipher, Decipher } from 'node:crypto';
import { ProtocolVersion } from '../constants.js';
import type { AeadCipher, CbcCipher, LegacySuite, MacHash } from './cipher-suites.js';
import { MAC_LENGTH } from './cipher-suites.js';
import type { TrafficKeys } from './key-schedule.js';
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

const TAG_LENGTH = 16;
const EXPLICIT_NONCE_LENGTH = 8;

/** node:crypto's types tie the tag methods to the cipher's name; every AEAD cipher of TLS has the same ones. */
const asGcm = (cipher: AeadCipher): CipherGCMTypes => cipher as CipherGCMTypes;

function aeadSeal(
  cipher: AeadCipher,
  key: Uint8Array,
  nonce: Uint8Array,
  aad: Uint8Array,
  plaintext: Uint8Array,
  out: Uint8Array,
  at: number,
): void {
  const sealer = createCipheriv(asGcm(cipher), key, nonce, { authTagLength: TAG_LENGTH });
  sealer.setAAD(aad, { plaintextLength: plaintext.length });
  out.set(sealer.update(plaintext), at);
  sealer.final();
  out.set(sealer.getAuthTag(), at + plaintext.length);
}

function aeadOpen(
  cipher: AeadCipher,
  key: Uint8Array,
  nonce: Uint8Array,
  aad: Uint8Array,
  sealed: Uint8Array,
): Uint8Array | null {
  const length = sealed.length - TAG_LENGTH;
  const opener = createDecipheriv(asGcm(cipher), key, nonce, { authTagLength: TAG_LENGTH });
  opener.setAAD(aad, { plaintextLength: length });
  opener.setAuthTag(sealed.subarray(length));
  const plaintext = opener.update(sealed.subarray(0, length));
  try {
    opener.final();
  } catch {
    return null; // the tag does not fit
  }
  return plaintext;
}

/** `seq_num`, `type`, `version`, `length`: what both the MAC and the AEAD of TLS 1.2 cover besides the data. */
function writeHeader(out: Uint8Array, sequence: number, type: number, version: number, length: number): void {
  writeSequence(out, 0, sequence);
  out[8] = type;
  out[9] = version >> 8;
  out[10] = version;
  out[11] = length >> 8;
  out[12] = length;
}

const SEQUENCED_HEADER_LENGTH = 13;

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
  private readonly nonce = new Uint8Array(12);
  private readonly header = new Uint8Array(SEQUENCED_HEADER_LENGTH);

  constructor(
    private readonly cipher: AeadCipher,
    private readonly key: Uint8Array,
    iv: Uint8Array,
  ) {
    this.nonce.set(iv);
  }

  seal(type: number, version: number, plaintext: Uint8Array): Uint8Array {
    const { nonce, header } = this;
    writeSequence(nonce, 4, this.sequence);
    writeHeader(header, this.sequence++, type, version, plaintext.length);
    const out = new Uint8Array(EXPLICIT_NONCE_LENGTH + plaintext.length + TAG_LENGTH);
    out.set(nonce.subarray(4));
    aeadSeal(this.cipher, this.key, nonce, header, plaintext, out, EXPLICIT_NONCE_LENGTH);
    return out;
  }

  open(type: number, version: number, fragment: Uint8Array): Uint8Array | null {
    const length = fragment.length - EXPLICIT_NONCE_LENGTH - TAG_LENGTH;
    if (length < 0) return null;
    this.nonce.set(fragment.subarray(0, EXPLICIT_NONCE_LENGTH), 4);
    writeHeader(this.header, this.sequence++, type, version, length);
    return aeadOpen(this.cipher, this.key, this.nonce, this.header, fragment.subarray(EXPLICIT_NONCE_LENGTH));
  }
}

/** ChaCha20-Poly1305 of TLS 1.2 (RFC 7905 section 2) and every AEAD of TLS 1.3: IV XOR sequence number. */
class ImplicitNonceAead implements RecordProtection {
  private sequence = 0;
  private readonly nonce = new Uint8Array(12);
  private readonly header: Uint8Array;

  constructor(
    private readonly cipher: AeadCipher,
    private readonly key: Uint8Array,
    private readonly iv: Uint8Array,
    private readonly tls13: boolean,
  ) {
    this.header = new Uint8Array(tls13 ? 5 : SEQUENCED_HEADER_LENGTH);
  }

  seal(type: number, version: number, plaintext: Uint8Array): Uint8Array {
    this.advance(type, version, plaintext.length);
    const out = new Uint8Array(plaintext.length + TAG_LENGTH);
    aeadSeal(this.cipher, this.key, this.nonce, this.header, plaintext, out, 0);
    return out;
  }

  open(type: number, version: number, fragment: Uint8Array): Uint8Array | null {
    const length = fragment.length - TAG_LENGTH;
    if (length < 0) return null;
    this.advance(type, version, length);
    return aeadOpen(this.cipher, this.key, this.nonce, this.header, fragment);
  }

  private advance(type: number, version: number, plaintextLength: number): void {
    const { nonce, iv, header } = this;
    writeSequence(nonce, 4, this.sequence);
    nonce.fill(0, 0, 4);
    for (let at = 0; at < nonce.length; at++) nonce[at] = (nonce[at] ?? 0) ^ (iv[at] ?? 0);
    if (this.tls13) {
      // RFC 8446 section 5.2: additional_data is the record's header as it goes onto the wire.
      const length = plaintextLength + TAG_LENGTH;
      header[0] = type;
      header[1] = version >> 8;
      header[2] = version;
      header[3] = length >> 8;
      header[4] = length;
    } else {
      writeHeader(header, this.sequence, type, version, plaintextLength);
    }
    this.sequence += 1;
  }
}

/** HMAC of TLS 1.0 to 1.2 over sequence number, header and data. RFC 5246 section 6.2.3.1. */
class RecordMac {
  readonly length: number;
  private sequence = 0;
  private readonly header = new Uint8Array(SEQUENCED_HEADER_LENGTH);

  constructor(
    private readonly hash: MacHash,
    private readonly key: Uint8Array,
  ) {
    this.length = MAC_LENGTH[hash];
  }

  next(type: number, version: number, data: Uint8Array): Uint8Array {
    writeHeader(this.header, this.sequence++, type, version, data.length);
    return createHmac(this.hash, this.key).update(this.header).update(data).digest();
  }
}

/** Block ciphers: MAC, then pad, then encrypt. RFC 5246 section 6.2.3.2; TLS 1.0 chains the IV from record to record. */
class Cbc implements RecordProtection {
  private readonly mac: RecordMac;
  /** TLS 1.0: one cipher over all records, which is what chaining the IV means. */
  private chainedCipher: Cipher | null = null;
  private chainedDecipher: Decipher | null = null;
  private readonly explicitIvLength: number;

  constructor(
    private readonly cipher: CbcCipher,
    private readonly blockLength: number,
    mac: MacHash,
    version: ProtocolVersion,
    private readonly keys: LegacyKeys,
  ) {
    this.mac = new RecordMac(mac, keys.mac);
    this.explicitIvLength = version >= ProtocolVersion.Tls11 ? blockLength : 0;
  }

  seal(type: number, version: number, plaintext: Uint8Array): Uint8Array {
    const { blockLength, explicitIvLength } = this;
    const mac = this.mac.next(type, version, plaintext);
    const length = plaintext.length + mac.length;
    const padding = blockLength - (length % blockLength);
    const padded = new Uint8Array(length + padding);
    padded.set(plaintext);
    padded.set(mac, plaintext.length);
    padded.fill(padding - 1, length);
    const out = new Uint8Array(explicitIvLength + padded.length);
    if (explicitIvLength > 0) randomFillSync(out, 0, explicitIvLength);
    out.set(this.encryptor(out.subarray(0, explicitIvLength)).update(padded), explicitIvLength);
    return out;
  }

  open(type: number, version: number, fragment: Uint8Array): Uint8Array | null {
    const { blockLength, explicitIvLength, mac } = this;
    const shortest = explicitIvLength + Math.ceil((mac.length + 1) / blockLength) * blockLength;
    if (fragment.length % blockLength !== 0 || fragment.length < shortest) return null;
    const decryptor = this.decryptor(fragment.subarray(0, explicitIvLength));
    const padded = decryptor.update(fragment.subarray(explicitIvLength));
    const padding = (padded[padded.length - 1] ?? 0) + 1;
    const length = padded.length - padding - mac.length;
    if (length < 0) return null;
    // Nothing of ours is secret here, so checking padding and MAC one after the other gives nothing away that matters.
    for (let at = padded.length - padding; at < padded.length; at++) if (padded[at] !== padding - 1) return null;
    const plaintext = padded.subarray(0, length);
    const expected = mac.next(type, version, plaintext);
    return timingSafeEqual(expected, padded.subarray(length, length + mac.length)) ? plaintext : null;
  }

  private encryptor(iv: Uint8Array): Cipher {
    if (iv.length > 0) return createCipheriv(this.cipher, this.keys.key, iv).setAutoPadding(false);
    this.chainedCipher ??= createCipheriv(this.cipher, this.keys.key, this.keys.iv).setAutoPadding(false);
    return this.chainedCipher;
  }

  private decryptor(iv: Uint8Array): Decipher {
    if (iv.length > 0) return createDecipheriv(this.cipher, this.keys.key, iv).setAutoPadding(false);
    this.chainedDecipher ??= createDecipheriv(this.cipher, this.keys.key, this.keys.iv).setAutoPadding(false);
    return this.chainedDecipher;
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
