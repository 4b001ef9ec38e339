// Differences between `hellotap triage` and a truth.json of tshark that are no fault of either reader's. Each explanation is
// checked here, on the capture or the values themselves: nothing is believed by a file's name.
import { createHash } from 'node:crypto';
import type { FieldDisagreement } from './triage-view.js';

/** JA3 is five fields with commas between; without extensions the last three are empty (https://github.com/salesforce/ja3). */
const JA3_FIELDS = 5;

/**
 * tshark leaves the commas of the empty fields out where the extensions cannot be read, and hashes that.
 * @returns whether its text with those commas has the hash that we give
 */
export function isCutJa3({ field, ours }: FieldDisagreement, theirText: string | null): boolean {
  const fields = theirText?.split(',').length ?? JA3_FIELDS;
  if (field !== 'ja3' || fields >= JA3_FIELDS) return false;
  const whole = `${theirText}${','.repeat(JA3_FIELDS - fields)}`;
  return ours === JSON.stringify(createHash('md5').update(whole).digest('hex'));
}

const SECTION_HEADER = 0x0a0d0d0a;
const LITTLE_ENDIAN_MAGIC = 0x1a2b3c4d;
const DECRYPTION_SECRETS = 0x0a;

/** A pcapng without its Decryption Secrets Blocks (draft-ietf-opsawg-pcapng section 4.7); null: it has none, or is no pcapng. */
export function withoutSecrets(capture: Buffer): Buffer | null {
  if (capture.length < 12 || capture.readUInt32LE(0) !== SECTION_HEADER) return null;
  const kept: Buffer[] = [];
  let little = true;
  let secrets = 0;
  let at = 0;
  while (at + 12 <= capture.length) {
    if (capture.readUInt32LE(at) === SECTION_HEADER) little = capture.readUInt32LE(at + 8) === LITTLE_ENDIAN_MAGIC;
    const word = (offset: number): number => (little ? capture.readUInt32LE(offset) : capture.readUInt32BE(offset));
    const end = at + Math.max(12, word(at + 4));
    if (word(at) === DECRYPTION_SECRETS) secrets++;
    else kept.push(capture.subarray(at, end));
    at = end;
  }
  return secrets === 0 ? null : Buffer.concat([...kept, capture.subarray(at)]);
}
