// Tells captures from other files by their first bytes, and says of others in words what they seem to be.
import { isUtf8 } from 'node:buffer';
import { canUnpack, peekCapture } from './packet-core.js';

const PCAP_HEADER_BYTES = 24;
const PCAPNG_START_BYTES = 12;

/** Magic numbers of classic pcap in either byte order: microseconds, nanoseconds, Kuznetzov's patch. */
const PCAP_MAGICS: ReadonlySet<number> = new Set([
  0xa1b2c3d4, 0xd4c3b2a1, 0xa1b23c4d, 0x4d3cb2a1, 0xa1b2cd34, 0x34cdb2a1,
]);
const PCAPNG_SECTION_HEADER = 0x0a0d0d0a;
const PCAPNG_BYTE_ORDER_MAGICS: ReadonlySet<number> = new Set([0x1a2b3c4d, 0x4d3c2b1a]);

/** What other files begin with, and what to do about them. */
const OTHERS: readonly (readonly [magic: readonly number[], what: string])[] = [
  [[0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00], 'is compressed with xz; unpack it first (unxz)'],
  [[0x42, 0x5a, 0x68], 'is compressed with bzip2; unpack it first (bunzip2)'],
  [[0x50, 0x4b, 0x03, 0x04], 'is a ZIP archive; unpack it first'],
  [[0x73, 0x6e, 0x6f, 0x6f, 0x70, 0x00], 'is a snoop capture; convert it first (editcap -F pcapng)'],
];

/** Whether bytes are the beginning of a pcap or pcapng capture; a longer one is told by 24 bytes. */
export function isCaptureHead(head: Buffer): boolean {
  if (head.length < PCAPNG_START_BYTES) return false;
  const magic = head.readUInt32BE(0);
  if (PCAP_MAGICS.has(magic)) return head.length >= PCAP_HEADER_BYTES;
  return magic === PCAPNG_SECTION_HEADER && PCAPNG_BYTE_ORDER_MAGICS.has(head.readUInt32BE(8));
}

/** Why a beginning is not that of a capture, in words that go behind the file's name and a colon. */
export function describeHead(head: Buffer): string {
  if (head.length === 0) return 'is empty';
  const known = OTHERS.find(([magic]) => magic.every((byte, index) => head[index] === byte));
  if (known) return known[1];
  if (head.length >= 4 && (PCAP_MAGICS.has(head.readUInt32BE(0)) || head.readUInt32BE(0) === PCAPNG_SECTION_HEADER)) {
    return `ends or breaks off at offset ${head.length}, inside of its file header`;
  }
  if (isText(head)) return 'is not a capture but text (no pcap or pcapng magic at offset 0)';
  return `is not a capture (no pcap or pcapng magic at offset 0, but ${head.subarray(0, 4).toString('hex')})`;
}

/** Whether bytes are UTF-8 without control characters; the last character may be cut off. */
function isText(bytes: Buffer): boolean {
  const hasControls = bytes.some((byte) => (byte < 32 && byte !== 9 && byte !== 10 && byte !== 13) || byte === 127);
  return !hasControls && [0, 1, 2, 3].some((cut) => isUtf8(bytes.subarray(0, Math.max(1, bytes.length - cut))));
}

const GZIP_MAGIC = 0x1f8b;
const ZSTD_MAGIC = 0x28b52ffd;

/** What the stream that begins like this is compressed with, if we unpack that. */
export function packingOf(head: Buffer): 'gzip' | 'zstd' | null {
  if (head.length >= 2 && head.readUInt16BE(0) === GZIP_MAGIC) return 'gzip';
  return head.length >= 4 && head.readUInt32BE(0) === ZSTD_MAGIC ? 'zstd' : null;
}

const LIBRARIES = {
  gzip: 'zlib is missing; install it (on Debian: apt-get install zlib1g)',
  zstd: 'libzstd is missing; install it (on Debian: apt-get install libzstd1), or run a newer Node.js, which brings it along',
} as const;

/** Why something compressed cannot be read. `head`: its first bytes, unpacked; none where that is impossible. */
export function describePacked(packing: 'gzip' | 'zstd', head: Buffer): string {
  const beginning = `is compressed with ${packing}, and`;
  if (!canUnpack(packing)) return `${beginning} ${LIBRARIES[packing]}`;
  return `${beginning} ${head.length === 0 ? 'empty, or damaged at its beginning' : `what is in it ${describeHead(head)}`}`;
}

/** As `describeHead`, of a file that could be opened a moment ago. */
export function describeFormat(path: string): string {
  try {
    const { packing, head } = peekCapture(path);
    return packing === 'none' ? describeHead(head) : describePacked(packing, head);
  } catch {
    return 'is not a capture';
  }
}
