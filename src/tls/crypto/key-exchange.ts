// Ephemeral key exchange: X25519 and the three NIST curves through node:crypto, and RSA key transport.
// X25519 keys go in and out as JWK: node:crypto takes those several times faster than DER.
import {
  constants,
  createECDH,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  publicEncrypt,
  randomBytes,
} from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { NamedGroup } from '../constants.js';

/** Our half of a key exchange. */
export interface KeyShare {
  readonly group: NamedGroup;
  /** As key_share and ClientKeyExchange carry it: 32 bytes, or an uncompressed point. */
  readonly publicKey: Uint8Array;
  /** The shared secret with the peer's public key; null where that is not a valid one for the group. */
  sharedSecret(peerPublicKey: Uint8Array): Uint8Array | null;
}

/** Curve as OpenSSL names it, and bytes of a coordinate. */
const CURVES = new Map<NamedGroup, { readonly name: string; readonly coordinateLength: number }>([
  [NamedGroup.Secp256r1, { name: 'prime256v1', coordinateLength: 32 }],
  [NamedGroup.Secp384r1, { name: 'secp384r1', coordinateLength: 48 }],
  [NamedGroup.Secp521r1, { name: 'secp521r1', coordinateLength: 66 }],
]);

export const SUPPORTED_GROUPS: ReadonlySet<NamedGroup> = new Set([NamedGroup.X25519, ...CURVES.keys()]);

/** A fresh key pair; null for a group that is not in `SUPPORTED_GROUPS`. */
export function generateKeyShare(group: NamedGroup): KeyShare | null {
  if (group === NamedGroup.X25519) return generateX25519();
  const curve = CURVES.get(group);
  if (curve === undefined) return null;
  const ecdh = createECDH(curve.name);
  const publicKey = ecdh.generateKeys();
  return {
    group,
    publicKey,
    sharedSecret(peer) {
      // Only the uncompressed form is left in TLS (RFC 8422 section 5.1.2); OpenSSL would take the others as well.
      if (peer[0] !== 4 || peer.length !== 1 + 2 * curve.coordinateLength) return null;
      try {
        return ecdh.computeSecret(peer);
      } catch {
        return null; // not a point of the curve
      }
    },
  };
}

/** Handshakes that one key pair serves. */
const USES_OF_A_KEY = 32;

/**
 * Key pairs for many handshakes, each used for `USES_OF_A_KEY` of them: making one costs as much as using one. That trades
 * away forward secrecy between those connections, of which a probe has no use: what it sends, everybody may know.
 */
export class EphemeralKeys {
  private readonly current = new Map<NamedGroup, { readonly share: KeyShare; uses: number }>();

  /** A key share to offer, or to answer with; null for a group that is not in `SUPPORTED_GROUPS`. */
  share(group: NamedGroup): KeyShare | null {
    const held = this.current.get(group);
    if (held !== undefined && held.uses < USES_OF_A_KEY) {
      held.uses++;
      return held.share;
    }
    const share = generateKeyShare(group);
    if (share !== null) this.current.set(group, { share, uses: 1 });
    return share;
  }
}

/** RFC 7748 section 4.1: the base point, u = 9. Its shared secret with a private key is the public key. */
const X25519_BASE_POINT = x25519PublicKey(Uint8Array.of(9, ...new Uint8Array(31)));

/**
 * Not by generateKeyPairSync: in Node.js 20 a garbage collection during the export of such a key takes the key's mutex
 * a second time (in the destructor of the job that made it), and the process stands still for ever.
 */
function generateX25519(): KeyShare {
  const d = randomBytes(32).toString('base64url');
  const privateKey = createPrivateKey({ key: { kty: 'OKP', crv: 'X25519', d, x: '' }, format: 'jwk' });
  return {
    group: NamedGroup.X25519,
    publicKey: diffieHellman({ privateKey, publicKey: X25519_BASE_POINT }),
    sharedSecret(peer) {
      if (peer.length !== 32) return null;
      try {
        return diffieHellman({ privateKey, publicKey: x25519PublicKey(peer) });
      } catch {
        return null; // a point of low order: the shared secret would be zero (RFC 7748 section 6.1)
      }
    },
  };
}

function x25519PublicKey(bytes: Uint8Array): KeyObject {
  const x = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64url');
  return createPublicKey({ key: { kty: 'OKP', crv: 'X25519', x }, format: 'jwk' });
}

/** EncryptedPreMasterSecret (RFC 5246 section 7.4.7.1); null where the key is not an RSA key that can carry it. */
export function encryptPreMasterSecret(publicKey: KeyObject, preMasterSecret: Uint8Array): Uint8Array | null {
  if (publicKey.asymmetricKeyType !== 'rsa') return null;
  try {
    return publicEncrypt({ key: publicKey, padding: constants.RSA_PKCS1_PADDING }, preMasterSecret);
  } catch {
    return null;
  }
}
