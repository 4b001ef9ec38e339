// The record layer of one probing connection: bytes in, handshake messages and ChangeCipherSpec out, as strict as the
// paper's scanner (Go's crypto/tls) and in its order of checks, because what ends a connection, and when, shows in the
// fingerprint. Records are read only as far as the handshake asks for them. No sockets, no clock.
import { AlertDescription, AlertLevel, ContentType, ProtocolVersion } from '../tls/constants.js';
import type { RecordProtection } from '../tls/crypto/record-protection.js';
import { HandshakeJoiner } from '../tls/handshake-joiner.js';
import type { HandshakeMessage } from '../tls/handshake-joiner.js';
import { RECORD_HEADER_LENGTH } from '../tls/records.js';
import type { HandshakeNotes } from './handshake-notes.js';
import type { ProbeOutcome } from './probe-result.js';

/** RFC 8446 section 5.1. */
const MAX_PLAINTEXT_LENGTH = 16384;
/** RFC 5246 section 6.2.3. */
const MAX_CIPHERTEXT_LENGTH = MAX_PLAINTEXT_LENGTH + 2048;
/** RFC 8446 section 5.2. */
const MAX_TLS13_CIPHERTEXT_LENGTH = MAX_PLAINTEXT_LENGTH + 256;
/** The scanner's limit; a longer message ends the handshake as soon as its header is there. */
const MAX_MESSAGE_LENGTH = 65536;
/** The scanner's limit: warnings and the like in a row that do not advance the handshake. */
const MAX_USELESS_RECORDS = 16;
/** Alerts noted in one handshake. Warnings that are dealt out between the fragments of messages could go on for ever. */
const MAX_ALERTS = 256;
/** A version field above this in the first record is no TLS. */
const IMPLAUSIBLE_VERSION = 0x1000;
const SSLV2_HEADER = 0x80;

const NOTHING = new Uint8Array(0);

/** `more`: nothing until more bytes come. `over`: the connection has ended, see `outcome`. */
export type ReadResult = HandshakeMessage | 'more' | 'over';

export class HandshakeRecords {
  /** The presumed version (the hello's legacy_version) until the server has chosen one. */
  version: ProtocolVersion;
  /** Whether `version` is the server's choice. */
  versionKnown = false;
  /** Why it ended; null while it goes on. */
  outcome: ProbeOutcome | null = null;
  /** Holds records back so that a flight goes out in one piece; the end of the connection lets them go. */
  buffering = false;
  /** Set once the keys for it are there: the next ChangeCipherSpec of the server switches to it. */
  nextReadProtection: RecordProtection | null = null;
  readProtection: RecordProtection | null = null;
  writeProtection: RecordProtection | null = null;

  private input: Uint8Array = NOTHING;
  private inputStart = 0;
  private inputEnd = 0;
  /** Whether `input` is a buffer of our own, with room to grow into, rather than what was pushed. */
  private ownsInput = false;
  private readonly joiner = new HandshakeJoiner(MAX_MESSAGE_LENGTH);
  private uselessRecords = 0;
  private output: Uint8Array[] = [];

  constructor(
    presumedVersion: ProtocolVersion,
    private readonly recordVersion: number,
    private readonly notes: HandshakeNotes,
  ) {
    this.version = presumedVersion;
  }

  /** Hands over what the server sent. The bytes may be kept; they have to stay as they are. */
  push(bytes: Uint8Array): void {
    const left = this.inputEnd - this.inputStart;
    if (left === 0) {
      this.input = bytes;
      this.ownsInput = false;
      this.inputStart = 0;
      this.inputEnd = bytes.length;
      return;
    }
    if (this.inputEnd + bytes.length > this.input.length || !this.ownsInput) {
      const grown = new Uint8Array(Math.max(2 * left, left + bytes.length));
      grown.set(this.input.subarray(this.inputStart, this.inputEnd));
      this.input = grown;
      this.ownsInput = true;
      this.inputStart = 0;
      this.inputEnd = left;
    }
    this.input.set(bytes, this.inputEnd);
    this.inputEnd += bytes.length;
  }

  /** The next handshake message. */
  readMessage(): ReadResult {
    for (;;) {
      if (this.outcome !== null) return 'over';
      const message = this.joiner.next();
      if (message !== null && 'kind' in message) return this.fail(AlertDescription.InternalError, 'malformed');
      if (message !== null) return message;
      if (!this.readRecord(false)) return this.state();
    }
  }

  /** Reads on to the server's ChangeCipherSpec, which switches its protection on. */
  readChangeCipherSpec(): 'done' | 'more' | 'over' {
    const before = this.nextReadProtection;
    while (this.outcome === null) {
      if (this.nextReadProtection !== before) return 'done';
      if (!this.readRecord(true)) break;
    }
    return this.state();
  }

  /** Puts a record with `payload` into the output, protected as things stand. */
  write(type: ContentType, payload: Uint8Array): void {
    const version = this.versionKnown ? Math.min(this.version, ProtocolVersion.Tls12) : this.recordVersion;
    const protection = this.writeProtection;
    let outerType = type;
    let fragment = payload;
    if (protection !== null && this.version === ProtocolVersion.Tls13) {
      // RFC 8446 section 5.2: the real content type goes behind the content, inside of the protection.
      const inner = Buffer.allocUnsafe(payload.length + 1);
      inner.set(payload);
      inner[payload.length] = type;
      outerType = ContentType.ApplicationData;
      fragment = protection.seal(outerType, version, inner);
    } else if (protection !== null) {
      fragment = protection.seal(type, version, payload);
    }
    const header = Uint8Array.of(outerType, version >> 8, version & 0xff, fragment.length >> 8, fragment.length & 0xff);
    this.output.push(header, fragment);
  }

  /** Puts bytes that already are whole records into the output. */
  writeRaw(records: Uint8Array): void {
    this.output.push(records);
  }

  /** What has to be sent now; null: nothing. */
  takeOutput(): Uint8Array | null {
    const { output } = this;
    if (output.length === 0 || (this.buffering && this.outcome === null)) return null;
    this.output = [];
    return output.length === 1 ? (output[0] ?? null) : Buffer.concat(output);
  }

  /** The handshake is complete. Unless the connection goes on, the server is told that nothing follows: RFC 8446 section 6.1. */
  complete(goesOn: boolean): void {
    if (!goesOn) this.write(ContentType.Alert, Uint8Array.of(AlertLevel.Warning, AlertDescription.CloseNotify));
    this.end('ok');
  }

  /** Ends the connection with a fatal alert to the server. */
  fail(description: AlertDescription, outcome: ProbeOutcome): 'over' {
    if (this.outcome === null) {
      this.write(ContentType.Alert, Uint8Array.of(AlertLevel.Fatal, description));
      this.outcome = outcome;
    }
    return 'over';
  }

  /** Ends the connection without a word. */
  end(outcome: ProbeOutcome): 'over' {
    this.outcome ??= outcome;
    return 'over';
  }

  /** What came and was not read, for whoever goes on with the connection. */
  takeRest(): Uint8Array {
    return this.input.slice(this.inputStart, this.inputEnd);
  }

  private state(): 'more' | 'over' {
    return this.outcome === null ? 'more' : 'over';
  }

  /** Takes one record in. False: it is not complete yet, or the connection is over. */
  private readRecord(expectChangeCipherSpec: boolean): boolean {
    const { input, inputStart: at } = this;
    const available = this.inputEnd - at;
    if (available < RECORD_HEADER_LENGTH) return false;
    const type: ContentType = input[at] ?? 0;
    const version = ((input[at + 1] ?? 0) << 8) | (input[at + 2] ?? 0);
    const length = ((input[at + 3] ?? 0) << 8) | (input[at + 4] ?? 0);
    if (!this.checkHeader(type, version, length)) return false;
    if (available < RECORD_HEADER_LENGTH + length) return false;
    const start = at + RECORD_HEADER_LENGTH;
    this.inputStart = start + length;
    return this.openRecord(type, version, input.subarray(start, start + length), expectChangeCipherSpec);
  }

  /** The checks that need no more than the header, and so end a connection before the body is there. */
  private checkHeader(type: number, version: number, length: number): boolean {
    if (type === SSLV2_HEADER) {
      this.fail(AlertDescription.ProtocolVersion, 'not_tls');
      return false;
    }
    if (this.versionKnown && this.version !== ProtocolVersion.Tls13 && version !== this.version) {
      this.fail(AlertDescription.ProtocolVersion, 'malformed');
      return false;
    }
    const mayOpen = type === ContentType.Alert || type === ContentType.Handshake;
    if (!this.versionKnown && (!mayOpen || version >= IMPLAUSIBLE_VERSION)) {
      this.end('not_tls');
      return false;
    }
    const limit = this.version === ProtocolVersion.Tls13 ? MAX_TLS13_CIPHERTEXT_LENGTH : MAX_CIPHERTEXT_LENGTH;
    if (length > limit) {
      this.fail(AlertDescription.RecordOverflow, 'malformed');
      return false;
    }
    return true;
  }

  private openRecord(outerType: ContentType, version: number, fragment: Uint8Array, expectCcs: boolean): boolean {
    let type = outerType;
    let data = fragment;
    const isTls13 = this.version === ProtocolVersion.Tls13;
    // RFC 8446 appendix D.4: ChangeCipherSpec is never protected in TLS 1.3.
    if (this.readProtection !== null && !(isTls13 && type === ContentType.ChangeCipherSpec)) {
      const opened = this.readProtection.open(type, version, fragment);
      if (opened === null) return this.violation(AlertDescription.BadRecordMac);
      data = opened;
      if (isTls13) {
        if (type !== ContentType.ApplicationData) return this.violation(AlertDescription.UnexpectedMessage);
        let end = data.length;
        while (end > 0 && data[end - 1] === 0) end -= 1;
        if (end === 0) return this.violation(AlertDescription.UnexpectedMessage);
        type = data[end - 1] ?? 0;
        data = data.subarray(0, end - 1);
      }
    }
    if (data.length > MAX_PLAINTEXT_LENGTH) return this.violation(AlertDescription.RecordOverflow);
    if (type !== ContentType.Alert && type !== ContentType.ChangeCipherSpec && data.length > 0) this.uselessRecords = 0;
    if (isTls13 && type !== ContentType.Handshake && this.joiner.pending) {
      return this.violation(AlertDescription.UnexpectedMessage);
    }
    switch (type) {
      case ContentType.Alert:
        return this.readAlert(data, isTls13);
      case ContentType.ChangeCipherSpec:
        return this.readCcs(data, isTls13, expectCcs);
      case ContentType.Handshake:
        if (data.length === 0 || expectCcs) return this.violation(AlertDescription.UnexpectedMessage);
        this.joiner.push(data);
        return true;
      default:
        return this.violation(AlertDescription.UnexpectedMessage);
    }
  }

  private readAlert(data: Uint8Array, isTls13: boolean): boolean {
    if (data.length !== 2) return this.violation(AlertDescription.UnexpectedMessage);
    const level: AlertLevel = data[0] ?? 0;
    const description: AlertDescription = data[1] ?? 0;
    if (this.notes.alerts.length >= MAX_ALERTS) return this.violation(AlertDescription.UnexpectedMessage);
    this.notes.alerts.push(description);
    if (description === AlertDescription.CloseNotify || isTls13 || level === AlertLevel.Fatal) {
      this.end('alert');
      return false;
    }
    if (level === AlertLevel.Warning) return this.countUselessRecord();
    return this.violation(AlertDescription.UnexpectedMessage);
  }

  private readCcs(data: Uint8Array, isTls13: boolean, expected: boolean): boolean {
    if (data.length !== 1 || data[0] !== 1) return this.violation(AlertDescription.DecodeError);
    if (this.joiner.pending) return this.violation(AlertDescription.UnexpectedMessage);
    if (isTls13) return this.countUselessRecord();
    if (!expected) return this.violation(AlertDescription.UnexpectedMessage);
    if (this.nextReadProtection === null) return this.violation(AlertDescription.InternalError);
    this.readProtection = this.nextReadProtection;
    this.nextReadProtection = null;
    return true;
  }

  private countUselessRecord(): boolean {
    this.uselessRecords += 1;
    if (this.uselessRecords <= MAX_USELESS_RECORDS) return true;
    return this.violation(AlertDescription.UnexpectedMessage);
  }

  private violation(description: AlertDescription): false {
    this.fail(description, 'malformed');
    return false;
  }
}
