// One handshake with one Client Hello, as a state machine: the server's bytes in, our bytes and an observation out.
// Pure but for the randomness that it is handed: no sockets, no clock. This file goes as far as the choice of a version;
// legacy-handshake.ts and tls13-handshake.ts go on to Finished.
import { hash } from 'node:crypto';
import type { ExtensionList, HandshakeObservation } from '../fingerprint/handshake-observation.js';
import { writeClientHelloRecord } from '../tls/client-hello-writer.js';
import type { ClientHelloFields, ClientHelloTemplate } from '../tls/client-hello-writer.js';
import { AlertDescription, ExtensionType, ProtocolVersion } from '../tls/constants.js';
import { isGrease } from '../tls/grease.js';
import type { HandshakeMessage } from '../tls/handshake-joiner.js';
import { RECORD_HEADER_LENGTH } from '../tls/records.js';
import type { SecuredConnection } from './application-records.js';
import { HandshakeNotes } from './handshake-notes.js';
import { HandshakeRecords } from './handshake-records.js';
import type { PreparedHello } from './hello-set.js';
import { LegacyHandshake } from './legacy-handshake.js';
import type { HandshakeDetails, ProbeOutcome } from './probe-result.js';
import { chosenVersion } from './server-hello-rules.js';
import { readStrictMessage } from './strict-messages.js';
import type { StrictServerHello } from './strict-server-hello.js';
import { Tls13Handshake } from './tls13-handshake.js';
import type { HandshakeContext, HandshakeRandomness, VersionHandshake } from './version-handshake.js';

/** JARM's and the scanner's one byte in the place of a key for a GREASE group. */
const GREASE_KEY = Uint8Array.of(0);

export class Handshake {
  private readonly notes = new HandshakeNotes();
  private readonly records: HandshakeRecords;
  private readonly context: HandshakeContext;
  private versionHandshake: VersionHandshake | null = null;

  /** `goesOn`: somebody wants the connection afterwards, see `handOver`. */
  constructor(hello: PreparedHello, serverName: string | null, randomness: HandshakeRandomness, goesOn = false) {
    const { definition } = hello;
    this.records = new HandshakeRecords(definition.legacyVersion, definition.recordVersion, this.notes);
    const { random, sessionId } = randomness.helloRandoms();
    const keyShares = hello.keyShareGroups.map((group) => ({
      group,
      share: isGrease(group) ? null : randomness.keyShare(group),
    }));
    const write = (
      template: ClientHelloTemplate,
      recordVersion: number,
      fields: Partial<ClientHelloFields>,
    ): Uint8Array =>
      writeClientHelloRecord(recordVersion, template, {
        random,
        sessionId,
        serverName,
        keyShares: [],
        cookie: null,
        ...fields,
      });
    const record = write(hello.first, definition.recordVersion, {
      keyShares: keyShares.map(({ group, share }) => ({ group, keyExchange: share?.publicKey ?? GREASE_KEY })),
    });
    this.records.writeRaw(record);
    this.context = {
      records: this.records,
      notes: this.notes,
      hello,
      randomness,
      clientRandom: random,
      offer: {
        cipherSuites: hello.cipherSuites,
        sessionId,
        supportedGroups: definition.supportedGroups,
        offersAlpn: definition.offersAlpn,
      },
      clientHello: record.subarray(RECORD_HEADER_LENGTH),
      keyShares,
      goesOn,
      writeHello: (template, recordVersion, share, cookie) =>
        write(template, recordVersion, { keyShares: [share], cookie }),
    };
  }

  /** What the handshake has shown; final once `outcome` is set. */
  get observation(): HandshakeObservation {
    return this.notes;
  }

  /** What it has shown that the observation does not tell. */
  get details(): HandshakeDetails {
    const { certificate, certificateRequested, keyExchangeGroup } = this.notes;
    return {
      certificateSha1: certificate === null ? null : hash('sha1', certificate),
      certificateRequested,
      keyExchangeGroup,
    };
  }

  /** How it ended; null while it goes on. */
  get outcome(): ProbeOutcome | null {
    return this.records.outcome;
  }

  /** What has to be sent now (at first the Client Hello); null: nothing. */
  takeOutput(): Uint8Array | null {
    return this.records.takeOutput();
  }

  /** Takes what the server sent; afterwards look at `takeOutput` and `outcome`. The bytes may be kept. */
  receive(bytes: Uint8Array): void {
    const { records } = this;
    if (records.outcome !== null) return;
    records.push(bytes);
    for (;;) {
      if (this.versionHandshake?.expectsChangeCipherSpec === true) {
        if (records.readChangeCipherSpec() !== 'done') return;
        this.versionHandshake.onChangeCipherSpec();
        continue;
      }
      const message = records.readMessage();
      if (typeof message === 'string') return;
      this.dispatch(message);
    }
  }

  /** Says that the connection ended from outside: by the server, by the network or by the clock. */
  end(outcome: ProbeOutcome): void {
    this.records.end(outcome);
  }

  /** The connection, for application data; null where the handshake did not complete, or nobody said that it goes on. */
  handOver(): SecuredConnection | null {
    const { outcome, version, readProtection, writeProtection } = this.records;
    if (!this.context.goesOn || outcome !== 'ok' || readProtection === null || writeProtection === null) return null;
    const protocol =
      selectedProtocol(this.notes.encryptedExtensions) ?? selectedProtocol(this.notes.serverHelloExtensions);
    return { version, readProtection, writeProtection, rest: this.records.takeRest(), protocol };
  }

  private dispatch(message: HandshakeMessage): void {
    const strict = readStrictMessage(message, this.records.version, this.notes);
    if (strict === null) this.records.fail(AlertDescription.UnexpectedMessage, 'malformed');
    else if (this.versionHandshake !== null) this.versionHandshake.onMessage(strict, message.raw);
    else if (strict.kind === 'server_hello') this.onServerHello(strict, message.raw);
    else this.records.fail(AlertDescription.UnexpectedMessage, 'malformed');
  }

  private onServerHello(hello: StrictServerHello, raw: Uint8Array): void {
    const { records } = this;
    this.notes.serverHello = { version: hello.legacyVersion, cipher: hello.cipherSuite };
    const version = chosenVersion(hello);
    if (version === null) {
      records.fail(AlertDescription.ProtocolVersion, 'unsupported');
      return;
    }
    records.version = version;
    records.versionKnown = true;
    this.versionHandshake =
      version === ProtocolVersion.Tls13 ? new Tls13Handshake(this.context) : new LegacyHandshake(this.context, version);
    this.versionHandshake.onMessage(hello, raw);
  }
}

/** The one protocol name that a server answers with. RFC 7301 section 3.1. */
function selectedProtocol(extensions: ExtensionList): string | null {
  const alpn = extensions?.find(({ type }) => type === ExtensionType.ApplicationLayerProtocolNegotiation);
  return alpn === undefined ? null : Buffer.from(alpn.data.subarray(3)).toString('latin1');
}
