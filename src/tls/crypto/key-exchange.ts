// Ephemeral key exchange over X25519 and the three NIST curves, and RSA key transport through node:crypto.
import { constants, publicEncrypt } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { NamedGroup } from '../constants.js';
import { generateKeyPair } from './primitives.js';

/** Our half of a key exchange. */
export interface KeyShare {
  readonly group: NamedGroup;
  /** As key_share and ClientKeyExchange carry it: 32 bytes, or an uncompressed point. */
  readonly publicKey: Uint8Array;
  /** The shared secret with the peer's public key; null where that is not a valid one for the group. */
  sharedSecret(peerPublicKey: Uint8Array): Uint8Array | null;
}

export const SUPPORTED_GROUPS: ReadonlySet<NamedGroup> = new Set([
  NamedGroup.X25519,
  NamedGroup.Secp256r1,
  NamedGroup.Secp384r1,
  NamedGroup.Secp521r1,
]);

/** A fresh key pair; null for a group that is not in `SUPPORTED_GROUPS`. */
export function generateKeyShare(group: NamedGroup): KeyShare | null {
  if (!SUPPORTED_GROUPS.has(group)) return null;
  const pair = generateKeyPair(group);
  return { group, publicKey: pair.publicKey, sharedSecret: (peer) => pair.agree(peer) };
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

/** EncryptedPreMasterSecret (RFC 5246 section 7.4.7.1); null where the key is not an RSA key that can carry it. */
export function encryptPreMasterSecret(publicKey: KeyObject, preMasterSecret: Uint8Array): Uint8Array | null {
  if (publicKey.asymmetricKeyType !== 'rsa') return null;
  try {
    return publicEncrypt({ key: publicKey, padding: constants.RSA_PKCS1_PADDING }, preMasterSecret);
  } catch {
    return null;
  }
}
