// As much of DER (X.690) as it takes to find the fields of a certificate: definite lengths, one-byte tags. Never throws.

export const DerTag = {
  Integer: 0x02,
  ObjectIdentifier: 0x06,
  Utf8String: 0x0c,
  NumericString: 0x12,
  PrintableString: 0x13,
  TeletexString: 0x14,
  Ia5String: 0x16,
  UtcTime: 0x17,
  GeneralizedTime: 0x18,
  VisibleString: 0x1a,
  UniversalString: 0x1c,
  BmpString: 0x1e,
  Sequence: 0x30,
  Set: 0x31,
  /** `[0]`, constructed. */
  Context0: 0xa0,
} as const;

/** One element: its tag and where its contents lie. */
export interface DerElement {
  readonly tag: number;
  readonly start: number;
  readonly end: number;
}

/** The element at `offset` that ends at or before `end`; null: there is none. */
export function derElement(bytes: Uint8Array, offset: number, end: number): DerElement | null {
  const tag = bytes[offset];
  const first = bytes[offset + 1];
  if (tag === undefined || first === undefined || offset + 2 > end || (tag & 0x1f) === 0x1f) return null;
  if (first < 0x80) {
    const start = offset + 2;
    return start + first <= end ? { tag, start, end: start + first } : null;
  }
  const lengthBytes = first & 0x7f;
  if (lengthBytes === 0 || lengthBytes > 3) return null;
  let length = 0;
  for (let at = offset + 2; at < offset + 2 + lengthBytes; at += 1) length = (length << 8) | (bytes[at] ?? 0);
  const start = offset + 2 + lengthBytes;
  return start + length <= end ? { tag, start, end: start + length } : null;
}

/** The element at `offset`, if it has this tag. */
export function derExpect(bytes: Uint8Array, offset: number, end: number, tag: number): DerElement | null {
  const element = derElement(bytes, offset, end);
  return element?.tag === tag ? element : null;
}

/** An OBJECT IDENTIFIER as dotted numbers; null: it is none, or an arc is over 2^28. */
export function derObjectIdentifier(bytes: Uint8Array, { start, end }: DerElement): string | null {
  const arcs: number[] = [];
  let value = 0;
  for (let at = start; at < end; at += 1) {
    const byte = bytes[at] ?? 0;
    if (value >= 1 << 21) return null;
    value = (value << 7) | (byte & 0x7f);
    if ((byte & 0x80) !== 0) continue;
    if (arcs.length === 0) {
      const root = Math.min(Math.floor(value / 40), 2);
      arcs.push(root, value - root * 40);
    } else {
      arcs.push(value);
    }
    value = 0;
  }
  return arcs.length === 0 || ((bytes[end - 1] ?? 0) & 0x80) !== 0 ? null : arcs.join('.');
}

/**
 * UTCTime or GeneralizedTime in UTC, as ISO 8601 without zone: `2026-11-24T00:00:00`. Null: no such time (RFC 5280
 * section 4.1.2.5 allows neither offsets nor fractions; seconds may be missing in old certificates).
 */
export function derTime(bytes: Uint8Array, { tag, start, end }: DerElement): string | null {
  if (tag !== DerTag.UtcTime && tag !== DerTag.GeneralizedTime) return null;
  const yearDigits = tag === DerTag.UtcTime ? 2 : 4;
  const length = end - start - yearDigits;
  if ((length !== 9 && length !== 11) || bytes[end - 1] !== 0x5a) return null;
  let year = digits(bytes, start, yearDigits);
  if (tag === DerTag.UtcTime && year >= 0) year += year < 50 ? 2000 : 1900;
  const at = start + yearDigits;
  const month = digits(bytes, at, 2);
  const day = digits(bytes, at + 2, 2);
  const hour = digits(bytes, at + 4, 2);
  const minute = digits(bytes, at + 6, 2);
  const second = length === 11 ? digits(bytes, at + 8, 2) : 0;
  if (year < 0 || month < 1 || month > 12 || day < 1 || day > daysIn(year, month)) return null;
  if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59) return null;
  const date = `${String(year).padStart(4, '0')}-${twoDigits(month)}-${twoDigits(day)}`;
  return `${date}T${twoDigits(hour)}:${twoDigits(minute)}:${twoDigits(second)}`;
}

/** The number that ASCII digits make; -1: one of them is no digit. */
function digits(bytes: Uint8Array, at: number, count: number): number {
  let value = 0;
  for (let index = at; index < at + count; index += 1) {
    const digit = (bytes[index] ?? 0) - 0x30;
    if (digit < 0 || digit > 9) return -1;
    value = value * 10 + digit;
  }
  return value;
}

function daysIn(year: number, month: number): number {
  if (month === 2) return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0 ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}

function twoDigits(value: number): string {
  return value < 10 ? `0${value}` : String(value);
}
