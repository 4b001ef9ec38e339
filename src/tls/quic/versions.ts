// The versions of QUIC whose Initial packets can be read, with the salt that their keys come from.
// RFC 9001 section 5.2, RFC 9369 section 3, the drafts' section 5.2; Google's and Facebook's as their stacks publish them.
import { Buffer } from 'node:buffer';

/** What reading an Initial depends on. */
export interface QuicVersion {
  /** Tried in this order. One, but for versions that only provoke a negotiation: those follow no rule. */
  readonly salts: readonly Uint8Array[];
  /** Before `key`, `iv` and `hp` in the labels of the keys. */
  readonly labelPrefix: 'quic' | 'quicv2';
  /** Long packet type of an Initial (two bits). */
  readonly initialType: 0 | 1;
  /** Type of a CRYPTO frame: 6; in Google's versions with TLS 8. */
  readonly cryptoFrame: 6 | 8;
}

const salt = (hex: string): Uint8Array => Buffer.from(hex, 'hex');
const DRAFT_22 = salt('7fbcdb0e7c66bbe9193a96cd21519ebd7a02644a');
const DRAFT_23 = salt('c3eef712c72ebb5a11a7d2432bb46365bef9f502');
const DRAFT_29 = salt('afbfec289993d24c9e9786f19c6111e04390a899');
const VERSION_1 = salt('38762cf7f55934b34d179ae6a4c80cadccbb7f0a');
const VERSION_2 = salt('0dede3def700a6db819381be6e269dcbf9bd2ed9');
const T050 = salt('7ff579e5acd072915580304c43a2367c60488310');
const T051 = salt('7a4edef4e7ccee5fa4506c19124fc8ccda6e033d');

const like1 = (...salts: Uint8Array[]): QuicVersion => ({
  salts,
  labelPrefix: 'quic',
  initialType: 0,
  cryptoFrame: 6,
});

const NAMED: ReadonlyMap<number, readonly [name: string, version: QuicVersion]> = new Map([
  [0x00000001, ['QUIC v1', like1(VERSION_1)]],
  [0x6b3343cf, ['QUIC v2', { salts: [VERSION_2], labelPrefix: 'quicv2', initialType: 1, cryptoFrame: 6 }]],
  [0xfaceb001, ['mvfst-22', like1(DRAFT_22)]],
  [0xfaceb002, ['mvfst-27', like1(DRAFT_23)]],
  [0x54303530, ['T050', { ...like1(T050), cryptoFrame: 8 }]],
  [0x54303531, ['T051', { ...like1(T051), cryptoFrame: 8 }]],
] as const);

/** Those of the drafts, by number; 22 is the first with the header of version 1. */
const OLDEST_DRAFT = 22;
const NEWEST_DRAFT = 34;
const DRAFTS: readonly QuicVersion[] = Array.from({ length: NEWEST_DRAFT - OLDEST_DRAFT + 1 }, (_, index) => {
  const draft = OLDEST_DRAFT + index;
  return like1(draft < 23 ? DRAFT_22 : draft < 29 ? DRAFT_23 : draft < 33 ? DRAFT_29 : VERSION_1);
});

/** RFC 9000 section 15: versions reserved to provoke a negotiation. What their senders speak is what they really want. */
const RESERVED = like1(VERSION_1, DRAFT_29);

const draftOf = (version: number): number => (version >>> 8 === 0xff0000 ? version & 0xff : -1);
const isReserved = (version: number): boolean => (version & 0x0f0f0f0f) === 0x0a0a0a0a;

/** How to read Initials of a version; null: they cannot be read. */
export function quicVersion(version: number): QuicVersion | null {
  return NAMED.get(version)?.[1] ?? DRAFTS[draftOf(version) - OLDEST_DRAFT] ?? (isReserved(version) ? RESERVED : null);
}

/** `QUIC v1`, `QUIC v2`, `draft-29`, `mvfst-27`, `T051`; others in hexadecimal. */
export function quicVersionName(version: number): string {
  const draft = draftOf(version);
  return (
    NAMED.get(version)?.[0] ??
    (draft >= OLDEST_DRAFT && draft <= NEWEST_DRAFT ? `draft-${draft}` : `0x${version.toString(16).padStart(8, '0')}`)
  );
}
