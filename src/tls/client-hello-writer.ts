// Writes Client Hellos byte by byte as a template says, in whatever order and with whatever contents: nothing is added,
// sorted or corrected. What templates there are is the matter of probe/hello-set.ts; this file knows only the wire.
import { ContentType, ExtensionType, HandshakeType, ServerNameType } from './constants.js';
import { HANDSHAKE_HEADER_LENGTH } from './handshake-joiner.js';
import { RECORD_HEADER_LENGTH } from './records.js';

/** One extension of a template: fixed data, or a slot that each connection fills. */
export type TemplateExtension =
  | { readonly kind: 'fixed'; readonly type: number; readonly data: Uint8Array }
  /** Left out where the connection has no server name. RFC 6066 section 3. */
  | { readonly kind: 'server_name' }
  /** Left out where the server asked for no cookie. RFC 8446 section 4.2.2. */
  | { readonly kind: 'cookie' }
  /** Always there, empty where the connection offers no share. RFC 8446 section 4.2.8. */
  | { readonly kind: 'key_share' };

/** A Client Hello without the parts that differ from connection to connection. RFC 8446 section 4.1.2. */
export interface ClientHelloTemplate {
  readonly legacyVersion: number;
  /** Encoded: two bytes each, GREASE already drawn. */
  readonly cipherSuites: Uint8Array;
  readonly compressionMethods: Uint8Array;
  /** In the order in which they go out. Null: the hello has no extension block at all. */
  readonly extensions: readonly TemplateExtension[] | null;
}

/** KeyShareEntry. RFC 8446 section 4.2.8. */
export interface KeyShareEntry {
  readonly group: number;
  readonly keyExchange: Uint8Array;
}

/** What differs from connection to connection. */
export interface ClientHelloFields {
  /** 32 bytes. */
  readonly random: Uint8Array;
  /** At most 32 bytes. */
  readonly sessionId: Uint8Array;
  /** ASCII, at most 255 bytes; null: no server_name extension. */
  readonly serverName: string | null;
  readonly keyShares: readonly KeyShareEntry[];
  /** Null: no cookie extension. */
  readonly cookie: Uint8Array | null;
}

/**
 * The whole record that carries the Client Hello. `record.subarray(RECORD_HEADER_LENGTH)` is the handshake message,
 * which is what a transcript hash takes. The lengths of the fields are the caller's promise.
 */
export function writeClientHelloRecord(
  recordVersion: number,
  template: ClientHelloTemplate,
  fields: ClientHelloFields,
): Uint8Array {
  const { cipherSuites, compressionMethods, extensions } = template;
  const extensionsLength = extensions === null ? 0 : lengthOfExtensions(extensions, fields);
  const bodyLength =
    2 +
    fields.random.length +
    1 +
    fields.sessionId.length +
    2 +
    cipherSuites.length +
    1 +
    compressionMethods.length +
    (extensionsLength === 0 ? 0 : 2 + extensionsLength);

  const out = new ByteWriter(RECORD_HEADER_LENGTH + HANDSHAKE_HEADER_LENGTH + bodyLength);
  out.uint8(ContentType.Handshake);
  out.uint16(recordVersion);
  out.uint16(HANDSHAKE_HEADER_LENGTH + bodyLength);
  out.uint8(HandshakeType.ClientHello);
  out.uint24(bodyLength);
  out.uint16(template.legacyVersion);
  out.bytes(fields.random);
  out.uint8(fields.sessionId.length);
  out.bytes(fields.sessionId);
  out.uint16(cipherSuites.length);
  out.bytes(cipherSuites);
  out.uint8(compressionMethods.length);
  out.bytes(compressionMethods);
  if (extensions !== null && extensionsLength > 0) {
    out.uint16(extensionsLength);
    for (const extension of extensions) writeExtension(out, extension, fields);
  }
  return out.buffer;
}

/** Bytes of the extension's data; -1: this connection leaves it out. */
function dataLength(extension: TemplateExtension, fields: ClientHelloFields): number {
  switch (extension.kind) {
    case 'fixed':
      return extension.data.length;
    case 'server_name':
      return fields.serverName === null ? -1 : 2 + 1 + 2 + fields.serverName.length;
    case 'cookie':
      return fields.cookie === null ? -1 : 2 + fields.cookie.length;
    case 'key_share':
      return 2 + lengthOfShares(fields.keyShares);
  }
}

function lengthOfShares(shares: readonly KeyShareEntry[]): number {
  let length = 0;
  for (const { keyExchange } of shares) length += 4 + keyExchange.length;
  return length;
}

function lengthOfExtensions(extensions: readonly TemplateExtension[], fields: ClientHelloFields): number {
  let length = 0;
  for (const extension of extensions) {
    const data = dataLength(extension, fields);
    if (data >= 0) length += 4 + data;
  }
  return length;
}

function writeExtension(out: ByteWriter, extension: TemplateExtension, fields: ClientHelloFields): void {
  const length = dataLength(extension, fields);
  if (length < 0) return;
  switch (extension.kind) {
    case 'fixed':
      out.uint16(extension.type);
      out.uint16(length);
      out.bytes(extension.data);
      return;
    case 'server_name':
      out.uint16(ExtensionType.ServerName);
      out.uint16(length);
      out.uint16(length - 2);
      out.uint8(ServerNameType.HostName);
      out.uint16(length - 5);
      out.ascii(fields.serverName ?? '');
      return;
    case 'cookie':
      out.uint16(ExtensionType.Cookie);
      out.uint16(length);
      out.uint16(length - 2);
      if (fields.cookie !== null) out.bytes(fields.cookie);
      return;
    case 'key_share':
      out.uint16(ExtensionType.KeyShare);
      out.uint16(length);
      out.uint16(length - 2);
      for (const { group, keyExchange } of fields.keyShares) {
        out.uint16(group);
        out.uint16(keyExchange.length);
        out.bytes(keyExchange);
      }
      return;
  }
}

/** Fills a buffer of a length that was worked out before. */
class ByteWriter {
  readonly buffer: Uint8Array;
  private offset = 0;

  constructor(length: number) {
    this.buffer = Buffer.allocUnsafe(length); // every byte of which is written
  }

  uint8(value: number): void {
    this.buffer[this.offset++] = value;
  }

  uint16(value: number): void {
    this.buffer[this.offset++] = value >> 8;
    this.buffer[this.offset++] = value;
  }

  uint24(value: number): void {
    this.buffer[this.offset++] = value >> 16;
    this.uint16(value);
  }

  bytes(value: Uint8Array): void {
    this.buffer.set(value, this.offset);
    this.offset += value.length;
  }

  ascii(value: string): void {
    for (let at = 0; at < value.length; at++) this.buffer[this.offset++] = value.charCodeAt(at);
  }
}
