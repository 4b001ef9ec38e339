// Ephemeral key exchange: X25519 and the three NIST curves through node:crypto, and RSA key transport.
// X25519 keys go in and out as JWK: node:crypto takes those several times faster than DER.
import { constants, createECDH, createPublicKey, diffieHellman, generateKeyPairSync, publicEncrypt } from 'node:crypto';
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

function generateX25519(): KeyShare {
  const { privateKey, publicKey } = generateKeyPairSync('x25519');
  return {
    group: NamedGroup.X25519,
    publicKey: Buffer.from(publicKey.export({ format: 'jwk' }).x ?? '', 'base64url'),
    sharedSecret(peer) {
      if (peer.length !== 32) return null;
      const x = Buffer.from(peer.buffer, peer.byteOffset, peer.length).toString('base64url');
      try {
        const peerKey = createPublicKey({ key: { kty: 'OKP', crv: 'X25519', x }, format: 'jwk' });
        return diffieHellman({ privateKey, publicKey: peerKey });
      } catch {
        return null; // a point of low order: the shared secret would be zero (RFC 7748 section 6.1)
      }
    },
  };
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
