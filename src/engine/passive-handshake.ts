// The text fingerprint of a handshake that was only watched, as the prober would have noted it had it been the client: the
// server's bytes go through the prober's own record layer, and reading ends where the client's would have. For TLS 1.3
// with the secrets of a key log. Pure.
import type { FlowDirection } from '../capture/flow-record.js';
import { handshakeFingerprint } from '../fingerprint/stack.js';
import { HandshakeNotes } from '../probe/handshake-notes.js';
import { HandshakeRecords } from '../probe/handshake-records.js';
import {
  chosenVersion,
  refuseLegacyHello,
  refuseRetry,
  refuseShare,
  refuseTls13Hello,
  type Offer,
} from '../probe/server-hello-rules.js';
import { readStrictMessage, type StrictMessage } from '../probe/strict-messages.js';
import type { StrictServerHello } from '../probe/strict-server-hello.js';
import type { ClientHello } from '../tls/client-hello.js';
import { AlertDescription, ContentType, ProtocolVersion } from '../tls/constants.js';
import { TLS13_SUITES } from '../tls/crypto/cipher-suites.js';
import { trafficKeys } from '../tls/crypto/key-schedule.js';
import { tls13Protection, type RecordProtection } from '../tls/crypto/record-protection.js';
import type { ServerSecrets } from '../tls/key-log.js';

/** What of a server's side could be read to its end. */
export interface PassiveHandshake {
  /** Text fingerprint; null: part of the handshake was not captured or stayed encrypted. */
  readonly text: string | null;
  /** DER of the server's certificate in TLS 1.3. */
  readonly certificate: Uint8Array | null;
}

/** @param server its direction, also behind the end of its clear text. Views of its bytes are valid as long as they are. */
export function readPassiveHandshake(
  server: FlowDirection,
  clientHello: ClientHello,
  secrets: ServerSecrets | null,
): PassiveHandshake {
  const watched = new WatchedHandshake(clientHello, secrets);
  const isWhole = watched.read(server);
  return { text: isWhole ? handshakeFingerprint(watched.notes) : null, certificate: watched.certificate };
}

/** `over`: the client reads no more. `unreadable`: it does, but we cannot. */
type Reading = 'on' | 'over' | 'unreadable';

class WatchedHandshake {
  readonly notes = new HandshakeNotes();
  certificate: Uint8Array | null = null;
  private readonly records: HandshakeRecords;
  private readonly offer: Offer;
  private shareGroups: readonly number[];
  private suite: number | null = null;
  private expectsHello = true;
  /** How many alerts came before the server's Finished; null: it has not come. */
  private alertsBeforeFinished: number | null = null;
  private hasWrongSecret = false;

  constructor(
    clientHello: ClientHello,
    private readonly secrets: ServerSecrets | null,
  ) {
    this.records = new HandshakeRecords(clientHello.legacyVersion, clientHello.legacyVersion, this.notes);
    this.shareGroups = clientHello.keyShareGroups ?? [];
    this.offer = {
      cipherSuites: new Set(clientHello.cipherSuites),
      sessionId: clientHello.sessionId,
      supportedGroups: new Set(clientHello.supportedGroups),
      offersAlpn: clientHello.alpn !== null,
    };
  }

  /** Whether all was there that the client would have read. */
  read({ bytes, end }: FlowDirection): boolean {
    const { records, notes } = this;
    records.push(bytes);
    let reading: Reading = 'on';
    while (reading === 'on') {
      const message = records.readMessage();
      if (typeof message === 'string') {
        reading = message === 'over' ? 'over' : this.isAtEnd(end) ? 'over' : 'unreadable';
      } else {
        const strict = readStrictMessage(message, records.version, notes);
        reading = strict === null ? 'over' : this.onMessage(strict);
      }
    }
    // The prober does not wait for a good-bye.
    const isGoodbye = notes.alerts.at(-1) === AlertDescription.CloseNotify;
    if (this.alertsBeforeFinished !== null && notes.alerts.length > this.alertsBeforeFinished && isGoodbye) {
      notes.alerts.pop();
    }
    return reading === 'over' && !this.hasWrongSecret;
  }

  /** Whether nothing more came, or nothing that matters: behind Finished only an alert does. */
  private isAtEnd(end: FlowDirection['end']): boolean {
    if (end === 'fin' || end === 'rst') return true;
    return this.alertsBeforeFinished !== null && end !== 'open' && end !== 'gap';
  }

  private onMessage(message: StrictMessage): Reading {
    if (message.kind === 'server_hello') return this.expectsHello ? this.onServerHello(message) : 'over';
    if (this.expectsHello) return 'over';
    if (this.records.version !== ProtocolVersion.Tls13) return 'on';
    switch (message.kind) {
      case 'encrypted_extensions':
        return message.alpn && !this.offer.offersAlpn ? 'over' : 'on';
      case 'certificate':
        this.certificate ??= message.chain[0] ?? null;
        return 'on';
      case 'finished':
        return this.onFinished();
      default:
        return 'on';
    }
  }

  private onServerHello(hello: StrictServerHello): Reading {
    const { records, offer, shareGroups } = this;
    this.notes.serverHello = { version: hello.legacyVersion, cipher: hello.cipherSuite };
    const version = chosenVersion(hello);
    if (version === null) return 'over';
    records.version = version;
    records.versionKnown = true;
    if (version !== ProtocolVersion.Tls13) {
      this.expectsHello = false;
      return refuseLegacyHello(hello, offer) === null ? 'on' : 'over';
    }
    if (refuseTls13Hello(hello, offer, this.suite) !== null) return 'over';
    if (hello.isHelloRetryRequest && this.suite === null) {
      if (refuseRetry(hello, offer, shareGroups) !== null) return 'over';
      this.suite = hello.cipherSuite;
      this.shareGroups = [hello.selectedGroup];
      return 'on';
    }
    // A resumed handshake shows no certificate; the prober never resumes one.
    if (hello.preSharedKey) return 'unreadable';
    if (refuseShare(hello, shareGroups) !== null) return 'over';
    this.suite = hello.cipherSuite;
    this.expectsHello = false;
    return this.decryptWith(this.secrets?.handshake);
  }

  /** With its Finished the handshake is over, but where the client owes a certificate its answer to none counts. */
  private onFinished(): Reading {
    if (this.notes.certificateRequestExtensions === null) return 'over';
    this.alertsBeforeFinished = this.notes.alerts.length;
    return this.decryptWith(this.secrets?.application);
  }

  private decryptWith(secret: Uint8Array | undefined): Reading {
    const suite = TLS13_SUITES.get(this.suite ?? 0);
    if (secret === undefined || suite === undefined) return 'unreadable';
    const protection = tls13Protection(suite.cipher, trafficKeys(suite.hash, secret, suite.keyLength));
    this.records.readProtection = this.noticingWrongSecret(protection);
    return 'on';
  }

  /** A record that should open and does not can have a fault that ends the handshake; more likely the secret is wrong. */
  private noticingWrongSecret(protection: RecordProtection): RecordProtection {
    return {
      seal: (type, version, plaintext) => protection.seal(type, version, plaintext),
      open: (type, version, fragment) => {
        const plaintext = protection.open(type, version, fragment);
        if (plaintext === null && type === (ContentType.ApplicationData as number)) this.hasWrongSecret = true;
        return plaintext;
      },
    };
  }
}
