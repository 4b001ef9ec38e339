// Seals Initials as a client does, for tests: the other direction of src/tls/quic/initial-keys.ts.
import { createCipheriv } from 'node:crypto';
import { clientInitialKeys } from '../../../src/tls/quic/initial-keys.js';
import { quicVersion } from '../../../src/tls/quic/versions.js';

/** RFC 9001 appendix A.1 and RFC 9369 appendix A.1: the connection id of all their examples. */
export const RFC_CONNECTION_ID = Buffer.from('8394c8f03e515708', 'hex');

/** RFC 9001 appendix A.2 and RFC 9369 appendix A.2: the CRYPTO frame of the client's Initial. */
export const RFC_CRYPTO_FRAME = Buffer.from(
  '060040f1010000ed0303ebf8fa56f12939b9584a3896472ec40bb863cfd3e86804fe3a47f06a2b69484c00000413011302010000c0000000' +
    '10000e00000b6578616d706c652e636f6dff01000100000a00080006001d0017001800100007000504616c706e0005000501000000000033' +
    '00260024001d00209370b2c9caa47fbabaf4559fedba753de171fa71f50f1ce15d43e994ec74d748002b0003020304000d0010000e040305' +
    '0306030203080408050806002d00020101001c00024001003900320408ffffffffffffffff05048000ffff07048000ffff08011001048000' +
    '75300901100f088394c8f03e51570806048000ffff',
  'hex',
);

export interface Initial {
  readonly version: number;
  readonly destinationId: Uint8Array;
  /** Whose keys it is sealed with; default: those of `destinationId`. */
  readonly keyId?: Uint8Array;
  readonly token?: Uint8Array;
  readonly packetNumber: number;
  readonly frames: Uint8Array;
}

/** One Initial, with a packet number of four bytes. */
export function sealInitial(initial: Initial): Buffer {
  const { version, destinationId, token = new Uint8Array(0), packetNumber, frames } = initial;
  const rules = quicVersion(version);
  const salt = rules?.salts[0];
  if (rules === null || salt === undefined) throw new Error('no such version');
  const keys = clientInitialKeys(rules, salt, initial.keyId ?? destinationId);
  const length = 4 + frames.length + 16;
  const numbers = Buffer.alloc(8);
  numbers.writeUInt32BE(version, 0);
  numbers.writeUInt32BE(packetNumber, 4);
  const header = Buffer.concat([
    Uint8Array.of(0xc3 | (rules.initialType << 4)),
    numbers.subarray(0, 4),
    Uint8Array.of(destinationId.length),
    destinationId,
    Uint8Array.of(0, token.length),
    token,
    Uint8Array.of(0x40 | (length >> 8), length),
    numbers.subarray(4),
  ]);
  const nonce = Buffer.from(keys.iv);
  nonce.writeUInt32BE((nonce.readUInt32BE(8) ^ packetNumber) >>> 0, 8);
  const sealer = createCipheriv('aes-128-gcm', keys.key, nonce, { authTagLength: 16 });
  sealer.setAAD(header);
  const sealed = Buffer.concat([sealer.update(frames), sealer.final(), sealer.getAuthTag()]);
  const mask = createCipheriv('aes-128-ecb', keys.headerProtection, null).update(sealed.subarray(0, 16));
  header[0] = (header[0] ?? 0) ^ ((mask[0] ?? 0) & 0x0f);
  for (let i = 0; i < 4; i += 1) {
    const at = header.length - 4 + i;
    header[at] = (header[at] ?? 0) ^ (mask[1 + i] ?? 0);
  }
  return Buffer.concat([header, sealed]);
}

/** A CRYPTO frame with lengths of two bytes. */
export function cryptoFrame(offset: number, data: Uint8Array): Buffer {
  return Buffer.concat([Uint8Array.of(6, 0x40 | (offset >> 8), offset, 0x40 | (data.length >> 8), data.length), data]);
}
