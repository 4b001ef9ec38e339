// From a flow's record to what its event says. A hello is decoded once; openings that are alike but for what no event shows fit
// its stencil from then on, and mean the same. What is remembered has a bound, and forgetting costs no more than decoding again.
import type { FlowBatch } from '../capture/flow-batch.js';
import type { FlowRecord, TunnelLayer } from '../capture/flow-record.js';
import { Teller, type Span } from '../capture/teller.js';
import { ClientHelloShapes, type ClientHelloFingerprints } from '../fingerprint/client-hello-shapes.js';
import { ja3s } from '../fingerprint/ja3s.js';
import type { PassiveKeys } from '../match/matcher.js';
import type { TlsFields } from '../output/event.js';
import {
  clientMembers,
  resumedMember,
  serverMembers,
  SharedFields,
  type ClientPart,
  type FlowParts,
  type ServerPart,
} from '../output/flow-event.js';
import type { SeenHandshake } from '../probe/gate.js';
import { CertificateSummaries, type CertificateSummary } from '../tls/certificate-summary.js';
import type { ClientHello } from '../tls/client-hello.js';
import { HandshakeType, type ProtocolVersion } from '../tls/constants.js';
import { KeyLog } from '../tls/key-log.js';
import { supportedGroupName } from '../tls/registry/names.js';
import {
  HELLO_RETRY_REQUEST_RANDOM,
  isTls13,
  selectedGroup,
  selectedProtocols,
  selectedVersion,
  type ServerHello,
} from '../tls/server-hello.js';
import { decodeText } from '../tls/text.js';
import { cutCertificate } from './certificate-cut.js';
import { clientHoles, serverHoles, type ClientHoles, type ServerHoles } from './opening-holes.js';
import { evidenceOf, isResumed, readTlsFlow, type Resumption, type TlsFlow } from './tls-flow.js';

/** What remembered certificates may take, as events have them: some 10,000 of the usual size. */
const CERTIFICATE_BYTES = 16 * 1024 * 1024;

/** Suricata's names of versions. */
const VERSION_NAMES: ReadonlyMap<ProtocolVersion, string> = new Map([
  [0x0002, 'SSLv2'],
  [0x0300, 'SSLv3'],
  [0x0301, 'TLSv1'],
  [0x0302, 'TLS 1.1'],
  [0x0303, 'TLS 1.2'],
  [0x0304, 'TLS 1.3'],
]);

/** Suricata's name of a version; drafts and unknown ones as `0x7f12`. */
export function versionName(version: ProtocolVersion): string {
  return VERSION_NAMES.get(version) ?? `0x${version.toString(16).padStart(4, '0')}`;
}

/** A ServerHello's part, and what of it tells how far the handshake came. */
interface SeenServer extends ServerPart {
  readonly tls13: boolean;
}

/** What an opening means that fits a stencil. */
interface ClientShape extends ClientHoles {
  readonly kind: 'client';
  readonly number: number;
  readonly part: ClientPart;
}

interface ServerShape extends ServerHoles {
  readonly kind: 'server';
  readonly number: number;
  readonly part: SeenServer;
  readonly resumption: Resumption;
}

/** A flow as its event tells it, and what the engine has to know besides. Valid as long as its record is. */
export interface SeenFlow extends FlowParts, PassiveKeys {
  readonly record: FlowRecord;
  readonly evidence: SeenHandshake;
  /** All that can be read of the handshake; made when it is asked for. */
  readonly decoded: TlsFlow;
  /** Random and session id of the ClientHello, null without one. */
  readonly nonces: { readonly random: Uint8Array; readonly sessionId: Uint8Array } | null;
}

class ReadFlow implements SeenFlow {
  constructor(
    readonly record: FlowRecord,
    readonly sni: string | null,
    readonly client: ClientPart | null,
    readonly server: SeenServer | null,
    readonly certificate: SharedFields | null,
    readonly resumed: boolean | null,
    readonly handshake: string | null,
    private readonly source: TlsFlow | ClientShape,
  ) {}

  get decoded(): TlsFlow {
    return 'kind' in this.source ? readTlsFlow(this.record) : this.source;
  }

  get tunnels(): readonly TunnelLayer[] | null {
    return this.record.tunnels?.layers ?? null;
  }

  get evidence(): SeenHandshake {
    return evidenceOf(this.record, this.server === null ? null : { tls13: this.server.tls13 });
  }

  get nonces(): SeenFlow['nonces'] {
    const { source } = this;
    if (!('kind' in source)) return source.clientHello;
    const { bytes } = this.record.client;
    return { random: view(bytes, source.random), sessionId: view(bytes, source.sessionId) };
  }

  get certSha1(): string | undefined {
    return this.certificate?.fields.fingerprint?.replaceAll(':', '');
  }

  get ja3s(): string | undefined {
    return this.server?.tls.fields.ja3s?.hash;
  }

  get ja3(): string | undefined {
    return this.client?.tls.fields.ja3?.hash;
  }
}

/** Reads the flows of one engine. */
export class FlowReader {
  #keyLog: KeyLog | null;
  /** Tells flows that are like those that were read here. */
  readonly teller = new Teller(HELLO_RETRY_REQUEST_RANDOM);
  /** By slot of the stencil. */
  readonly #shapes: (ClientShape | ServerShape | undefined)[] = [];
  readonly #hellos = new ClientHelloShapes('t');
  /** Of hellos that were seen: some clients never send the same twice, and are not worth a stencil. */
  readonly #clientParts = new WeakMap<ClientHelloFingerprints, ClientPart>();
  readonly #certificates = new CertificateSummaries(CERTIFICATE_BYTES, certificatePart);

  /** @param keyLog null: what is encrypted stays so */
  constructor(keyLog: KeyLog | null) {
    this.#keyLog = keyLog;
  }

  /** A capture can bring the keys of its connections along. @param input which of several captures it is */
  addKeys(text: Uint8Array, input: number): void {
    this.#keyLog ??= new KeyLog();
    this.#keyLog.addText(text, input);
  }

  /** Whether there are keys of connections: then every handshake has something of its own. */
  get hasKeys(): boolean {
    return this.#keyLog !== null;
  }

  /** Finds out which flows of a batch are like others; it has to be read before the next one is recognised. */
  recognise(batch: FlowBatch): void {
    if (!this.hasKeys) batch.recognise(this.teller);
  }

  /** Has flows with certificates like this one's told from now on. */
  learnCertificate(record: FlowRecord): void {
    const shape = this.#shapeOf(record.serverStencil);
    if (shape?.kind !== 'server' || shape.certificate === null) return;
    const der = joined(record.server.bytes, shape.certificate);
    const cut = cutCertificate(der, this.#certificates.summarize(der).fields);
    if (cut !== null) this.teller.learnCertificate(der, cut);
  }

  /** What is to be told of a flow; null: no hello in it can be read. Whatever its bytes are, it does not throw. */
  read(record: FlowRecord): SeenFlow | null {
    const client = this.#shapeOf(record.clientStencil);
    const server = this.#shapeOf(record.serverStencil);
    const isAlike = client?.kind === 'client' && server?.kind === 'server';
    return isAlike ? this.#readAlike(record, client, server) : this.#decode(record);
  }

  #shapeOf(number: number): ClientShape | ServerShape | undefined {
    if (number === 0 || this.#keyLog !== null) return undefined;
    const shape = this.#shapes[number % this.teller.slots];
    // Another may have taken the slot since the batch was recognised.
    return shape?.number === number ? shape : undefined;
  }

  /** A flow whose openings fit. */
  #readAlike(record: FlowRecord, client: ClientShape, server: ServerShape): SeenFlow {
    const clientBytes = record.client.bytes;
    const { bytes: serverBytes, changeCipherSpec } = record.server;
    return new ReadFlow(
      record,
      client.name === null ? null : decodeText(view(clientBytes, client.name)),
      client.part,
      server.part,
      server.certificate === null ? null : this.#certificates.summarize(joined(serverBytes, server.certificate)),
      isResumed(server.resumption, true, changeCipherSpec),
      null,
      client,
    );
  }

  #decode(record: FlowRecord): SeenFlow | null {
    const flow = readTlsFlow(record, this.#keyLog);
    const { clientHello, serverHello, certificate } = flow;
    const client = clientHello === null ? unreadHello(flow) : this.#clientPart(flow, clientHello);
    const server = serverHello === null ? null : serverPart(serverHello);
    if (client === null && server === null) return null;
    if (server !== null && this.#keyLog === null) this.#learnServer(flow, server);
    return new ReadFlow(
      record,
      clientHello?.serverName ?? null,
      client,
      server,
      certificate === null ? null : this.#certificates.summarize(certificate),
      flow.resumed,
      flow.handshake,
      flow,
    );
  }

  #clientPart(flow: TlsFlow, hello: ClientHello): ClientPart {
    const fingerprints = this.#hellos.fingerprints(hello);
    const ech = hello.encryptedClientHello !== null;
    const known = this.#clientParts.get(fingerprints);
    if (known?.ech === ech) {
      if (this.#keyLog === null) this.#learnClient(flow, hello, known);
      return known;
    }
    const part = { tls: new SharedFields(clientFields(fingerprints)), ech };
    this.#clientParts.set(fingerprints, part);
    return part;
  }

  #learnClient({ record, openings }: TlsFlow, hello: ClientHello, part: ClientPart): void {
    const { bytes } = record.client;
    const holes = clientHoles(bytes, openings.client, hello);
    if (holes === null) return;
    const number = this.teller.learnOpening(bytes, holes.holes);
    if (number === 0) return;
    this.#shapes[number % this.teller.slots] = { ...holes, kind: 'client', number, part };
    this.teller.describeClient(number, holes, clientMembers(part));
  }

  #learnServer({ record, resumption, openings }: TlsFlow, part: SeenServer): void {
    const { bytes } = record.server;
    const holes = serverHoles(bytes, openings.server);
    if (holes === null || resumption === null) return;
    const number = this.teller.learnOpening(bytes, holes.holes);
    if (number === 0) return;
    const { certificate } = holes;
    const { resumed, isSure } = resumption;
    this.#shapes[number % this.teller.slots] = { ...holes, kind: 'server', number, part, resumption };
    this.teller.describeServer(number, certificate, serverMembers(part), resumedMember(resumed), isSure);
  }
}

const UNREAD: ClientPart = { tls: new SharedFields({}), ech: false };

/** A whole ClientHello whose lengths contradict one another is one still: a server may take what no reader can. */
function unreadHello({ openings }: TlsFlow): ClientPart | null {
  return openings.client.messages[0]?.type === HandshakeType.ClientHello ? UNREAD : null;
}

function view(bytes: Uint8Array, { start, end }: Span): Uint8Array {
  return bytes.subarray(start, end);
}

function joined(bytes: Uint8Array, spans: readonly Span[]): Uint8Array {
  const [first] = spans;
  if (first !== undefined && spans.length === 1) return view(bytes, first);
  return Buffer.concat(spans.map((span) => view(bytes, span)));
}

function clientFields({ ja3, ja4, alpn }: ClientHelloFingerprints): TlsFields {
  return {
    ...(alpn === null ? {} : { client_alpns: alpn }),
    ...(ja3 === null ? {} : { ja3 }),
    ...(ja4 === null ? {} : { ja4 }),
  };
}

function serverPart(hello: ServerHello): SeenServer {
  const version = selectedVersion(hello);
  const protocols = selectedProtocols(hello);
  const group = selectedGroup(hello);
  const fields: TlsFields = {
    version: versionName(version),
    ...(protocols === null ? {} : { server_alpns: protocols }),
    ja3s: ja3s(hello),
  };
  return {
    tls: new SharedFields(fields),
    cipher: hello.cipherSuite.toString(16).padStart(4, '0'),
    group: group === null ? null : supportedGroupName(group),
    tls13: isTls13(version),
  };
}

function certificatePart({ subject, issuer, serial, sha1, notBefore, notAfter }: CertificateSummary): SharedFields {
  const fields: { -readonly [Key in keyof TlsFields]: TlsFields[Key] } = {};
  if (subject !== null) fields.subject = subject;
  if (issuer !== null) fields.issuerdn = issuer;
  if (serial !== null) fields.serial = serial;
  fields.fingerprint = sha1;
  if (notBefore !== null) fields.notbefore = notBefore;
  if (notAfter !== null) fields.notafter = notAfter;
  return new SharedFields(fields);
}
