// Bytes of the wire as text: names of servers and protocols.

/** UTF-8 to text. Bytes that are not UTF-8 become U+FFFD; nothing else is changed, not even a byte order mark. */
export function decodeText(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8');
}
