// GREASE (RFC 8701): values that clients sprinkle in so that servers do not choke on what they do not know.

/**
 * Whether a two-byte code point (cipher suite, extension, group, signature scheme, version) is one of the sixteen
 * reserved values 0x0A0A, 0x1A1A … 0xFAFA. RFC 8701 section 2.
 */
export function isGrease(value: number): boolean {
  return (value & 0x0f0f) === 0x0a0a && value >> 8 === (value & 0xff);
}

/** Whether a psk_key_exchange_mode is reserved: 0x0B, 0x2A, 0x49 … 0xE4. RFC 8701 section 2. */
export function isGreasePskMode(value: number): boolean {
  return value <= 0xff && value % 0x1f === 0x0b;
}
