// Bytes of the wire as text: names of servers, protocols and holders of certificates.

/** The byte order mark, too, is part of what was sent. */
const UTF8 = new TextDecoder('utf-8', { ignoreBOM: true });

/** Below this length a loop beats the call into the decoder (`h2`, `US`). */
const SHORT = 8;

/** UTF-8 to text. Bytes that are not UTF-8 become U+FFFD; nothing else is changed. */
export function decodeText(bytes: Uint8Array): string {
  if (bytes.length > SHORT) return UTF8.decode(bytes);
  let text = '';
  for (const byte of bytes) {
    if (byte >= 0x80) return UTF8.decode(bytes);
    text += String.fromCharCode(byte);
  }
  return text;
}
