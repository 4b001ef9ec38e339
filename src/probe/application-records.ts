// The record layer of a connection whose handshake is over: application data in and out. Whatever else a server may send
// then (session tickets, requests to renegotiate) is passed over; a change of keys ends it. Bounded in all that it takes.
import { AlertDescription, AlertLevel, ContentType, HandshakeType, ProtocolVersion } from '../tls/constants.js';
import type { RecordProtection } from '../tls/crypto/record-protection.js';
import { RECORD_HEADER_LENGTH } from '../tls/records.js';

/** What a completed handshake hands over. */
export interface SecuredConnection {
  readonly version: ProtocolVersion;
  readonly readProtection: RecordProtection;
  readonly writeProtection: RecordProtection;
  /** What came behind the handshake, not yet read. */
  readonly rest: Uint8Array;
  /** The protocol that the server chose by ALPN; null: none. */
  readonly protocol: string | null;
}

/** RFC 8446 section 5.2 and RFC 5246 section 6.2.3, whichever is more. */
const MAX_FRAGMENT_LENGTH = 16384 + 2048;
const MAX_PLAINTEXT_LENGTH = 16384;
/** Records without application data, in all. */
const MAX_OTHER_RECORDS = 64;
/** Servers may ask for records as small as this (RFC 6066 section 4); nothing that is asked here is longer. */
const WRITE_LENGTH = 512;

export class ApplicationRecords {
  /** Whether nothing more is to come: closed by the server, or broken. */
  ended = false;
  private input: Uint8Array;
  private otherRecords = 0;

  constructor(private readonly connection: SecuredConnection) {
    this.input = connection.rest;
  }

  /** The application data that `bytes` complete, in order. */
  receive(bytes: Uint8Array): Uint8Array[] {
    this.input = this.input.length === 0 ? bytes : Buffer.concat([this.input, bytes]);
    const data: Uint8Array[] = [];
    for (let record = this.next(); record !== null; record = this.next()) {
      const opened = this.open(record);
      if (opened === null) this.ended = true;
      else if (opened.length > 0) data.push(opened);
    }
    return data;
  }

  /** Records that carry `data`. */
  seal(data: Uint8Array): Uint8Array {
    const records: Uint8Array[] = [];
    for (let at = 0; at < data.length; at += WRITE_LENGTH) {
      records.push(this.record(ContentType.ApplicationData, data.subarray(at, at + WRITE_LENGTH)));
    }
    return Buffer.concat(records);
  }

  /** A close_notify. RFC 8446 section 6.1. */
  sealClose(): Uint8Array {
    return this.record(ContentType.Alert, Uint8Array.of(AlertLevel.Warning, AlertDescription.CloseNotify));
  }

  private record(type: ContentType, payload: Uint8Array): Uint8Array {
    const { version, writeProtection } = this.connection;
    const isTls13 = version === ProtocolVersion.Tls13;
    const outerType = isTls13 ? ContentType.ApplicationData : type;
    const outerVersion = isTls13 ? ProtocolVersion.Tls12 : version;
    const content = isTls13 ? Buffer.concat([payload, Uint8Array.of(type)]) : payload;
    const fragment = writeProtection.seal(outerType, outerVersion, content);
    const header = [outerType, outerVersion >> 8, outerVersion & 0xff, fragment.length >> 8, fragment.length & 0xff];
    return Buffer.concat([Uint8Array.from(header), fragment]);
  }

  /** The next whole record, header included; null: none, or it cannot be one. */
  private next(): Uint8Array | null {
    const { input } = this;
    if (this.ended || input.length < RECORD_HEADER_LENGTH) return null;
    const length = ((input[3] ?? 0) << 8) | (input[4] ?? 0);
    if (length > MAX_FRAGMENT_LENGTH) {
      this.ended = true;
      return null;
    }
    const end = RECORD_HEADER_LENGTH + length;
    if (input.length < end) return null;
    this.input = input.subarray(end);
    return input.subarray(0, end);
  }

  /** Application data of a record, empty where it is something else; null: the connection is over. */
  private open(record: Uint8Array): Uint8Array | null {
    const { version, readProtection } = this.connection;
    const isTls13 = version === ProtocolVersion.Tls13;
    let type: ContentType = record[0] ?? 0;
    // RFC 8446 appendix D.4: never protected in TLS 1.3, and without meaning.
    if (isTls13 && type === ContentType.ChangeCipherSpec) return this.passOver();
    const outerVersion = ((record[1] ?? 0) << 8) | (record[2] ?? 0);
    let data = readProtection.open(type, outerVersion, record.subarray(RECORD_HEADER_LENGTH));
    if (data === null) return null;
    if (isTls13) {
      let end = data.length;
      while (end > 0 && data[end - 1] === 0) end -= 1;
      if (end === 0) return null;
      type = data[end - 1] ?? 0;
      data = data.subarray(0, end - 1);
    }
    if (data.length > MAX_PLAINTEXT_LENGTH) return null;
    if (type === ContentType.ApplicationData) return data.length === 0 ? this.passOver() : data;
    const mayPass = type === ContentType.Handshake && data[0] !== HandshakeType.KeyUpdate;
    return mayPass || isWarning(type, data) ? this.passOver() : null;
  }

  private passOver(): Uint8Array | null {
    this.otherRecords += 1;
    return this.otherRecords > MAX_OTHER_RECORDS ? null : new Uint8Array(0);
  }
}

/** An alert after which a connection goes on. */
function isWarning(type: ContentType, data: Uint8Array): boolean {
  return type === ContentType.Alert && data[0] === AlertLevel.Warning && data[1] !== AlertDescription.CloseNotify;
}
