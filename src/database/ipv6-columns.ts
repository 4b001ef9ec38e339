// An IPv6 address read from the bytes of a table, in its usual form: groups of hexadecimal digits, a run of zeros as `::`
// (RFC 4291 section 2.2). Anything else is left to those who take texts apart.

const COLON = 0x3a;
const COMMA = 0x2c;
const GROUPS = 8;
const MOST_DIGITS = 4;

/**
 * Reads the address that begins at `start` and ends with a comma before `end` into 16 bytes.
 * Returns where the comma stands, -1 where there is no such address; `address` may be overwritten then.
 */
export function readIpv6(bytes: Uint8Array, start: number, end: number, address: Uint8Array): number {
  let groups = 0;
  /** How many groups stand before `::`, -1: there is none. */
  let gap = -1;
  let value = 0;
  let digits = 0;
  for (let at = start; at < end; at++) {
    const byte = bytes[at] ?? 0;
    const digit = hexDigit(byte);
    if (digit >= 0) {
      value = (value << 4) | digit;
      digits += 1;
      if (digits > MOST_DIGITS) return -1;
      continue;
    }
    const isGap = byte === COLON && bytes[at + 1] === COLON;
    if (digits > 0) {
      if (groups === GROUPS) return -1;
      address[2 * groups] = value >> 8;
      address[2 * groups + 1] = value;
      groups += 1;
      value = digits = 0;
    } else if (!isGap && (byte !== COMMA || gap !== groups)) {
      // Nothing stands where a group should.
      return -1;
    }
    if (isGap) {
      if (gap >= 0) return -1;
      gap = groups;
      at += 1;
    } else if (byte === COMMA) {
      return fill(address, groups, gap) ? at : -1;
    } else if (byte !== COLON) {
      return -1;
    }
  }
  return -1;
}

/** Puts zeros where `::` stands for them; false where groups are missing or too many. */
function fill(address: Uint8Array, groups: number, gap: number): boolean {
  if (gap < 0) return groups === GROUPS;
  if (groups === GROUPS) return false;
  const zeros = 2 * (GROUPS - groups);
  address.copyWithin(2 * gap + zeros, 2 * gap, 2 * groups);
  address.fill(0, 2 * gap, 2 * gap + zeros);
  return true;
}

/** -1: none. */
function hexDigit(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const letter = byte | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1;
}
