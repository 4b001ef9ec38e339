// Internet addresses as the database stores them: 4 or 16 bytes in network order.

import ipaddr from 'ipaddr.js';

/** The bytes of a textual address; null where it is none. IPv4 only in its four-part decimal form. */
export function addressBytes(text: string): Uint8Array | null {
  return text.includes(':') ? ipv6Bytes(text) : ipv4Bytes(text);
}

/** Canonical text: dotted decimal, or IPv6 as RFC 5952 has it. */
export function addressText(bytes: Uint8Array): string {
  return bytes.length === 4 ? bytes.join('.') : new ipaddr.IPv6([...bytes]).toRFC5952String();
}

/** The bytes of an IPv4 address that a number's 32 bits hold. */
export function ipv4Of(packed: number): Uint8Array {
  // From Node's pool: SQLite's binding would give an array of four bytes a memory block of its own first.
  const bytes = Buffer.allocUnsafe(4);
  bytes[0] = packed >>> 24;
  bytes[1] = packed >>> 16;
  bytes[2] = packed >>> 8;
  bytes[3] = packed;
  return bytes;
}

function ipv4Bytes(text: string): Uint8Array | null {
  if (text.length < 7 || text.length > 15) return null;
  let packed = 0;
  let part = 0;
  let digits = 0;
  let value = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === 0x2e) {
      if (digits === 0 || part === 3) return null;
      packed = (packed << 8) | value;
      part += 1;
      digits = 0;
      value = 0;
      continue;
    }
    // A leading zero would be octal to some readers (RFC 6943 section 3.1.1): refused.
    if (code < 0x30 || code > 0x39 || (digits > 0 && value === 0)) return null;
    value = value * 10 + code - 0x30;
    digits += 1;
    if (value > 255) return null;
  }
  if (part !== 3 || digits === 0) return null;
  return ipv4Of((packed << 8) | value);
}

function ipv6Bytes(text: string): Uint8Array | null {
  // A zone (fe80::1%eth0) means something on one machine only.
  if (text.length > 45 || text.includes('%') || !ipaddr.IPv6.isValid(text)) return null;
  return Buffer.from(ipaddr.IPv6.parse(text).toByteArray());
}
