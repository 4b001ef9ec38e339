// The handshake of TLS 1.0 to 1.2 from the ServerHello to the server's Finished (RFC 5246 section 7.3; RFC 8422), with
// the cipher suites of tls/crypto/cipher-suites.ts. No certificate and no signature is checked: what a server signs
// with is not part of a fingerprint.
import { createPublicKey } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { AlertDescription, ContentType, ExtensionType, HandshakeType, ProtocolVersion } from '../tls/constants.js';
import { certificateKey } from '../tls/crypto/certificate-key.js';
import type { CertificateKey } from '../tls/crypto/certificate-key.js';
import { LEGACY_SUITES } from '../tls/crypto/cipher-suites.js';
import type { LegacySuite } from '../tls/crypto/cipher-suites.js';
import { encryptPreMasterSecret } from '../tls/crypto/key-exchange.js';
import { extendedMasterSecret, keyBlock, masterSecret, verifyData } from '../tls/crypto/prf.js';
import type { PrfHash } from '../tls/crypto/prf.js';
import { keyLengths, legacyProtection } from '../tls/crypto/record-protection.js';
import { Transcript } from '../tls/crypto/transcript.js';
import { refuseLegacyHello } from './server-hello-rules.js';
import type { StrictMessage } from './strict-messages.js';
import type { StrictServerHello } from './strict-server-hello.js';
import { handshakeMessage, type HandshakeContext, type VersionHandshake } from './version-handshake.js';

/** What comes next. The three between Certificate and ServerHelloDone may each be left out. */
enum Step {
  ServerHello,
  Certificate,
  CertificateStatus,
  ServerKeyExchange,
  CertificateRequest,
  ServerHelloDone,
  NewSessionTicket,
  ChangeCipherSpec,
  Finished,
}

const NAMED_CURVE = 3;
const PRE_MASTER_SECRET_LENGTH = 48;

/** Secret and message of our half of the key exchange. */
interface ClientKeyExchange {
  readonly preMasterSecret: Uint8Array;
  /** ClientKeyExchange without its handshake header. */
  readonly body: Uint8Array;
}

export class LegacyHandshake implements VersionHandshake {
  private step = Step.ServerHello;
  private suite: LegacySuite | null = null;
  private serverHello: StrictServerHello | null = null;
  private leaf: CertificateKey | null = null;
  private keyExchange: ClientKeyExchange | null = null;
  private master: Uint8Array = new Uint8Array(0);
  private readonly transcript = new Transcript();

  constructor(
    private readonly context: HandshakeContext,
    private readonly version: ProtocolVersion,
  ) {
    this.transcript.add(context.clientHello);
  }

  get expectsChangeCipherSpec(): boolean {
    return this.step === Step.ChangeCipherSpec;
  }

  onMessage(message: StrictMessage, raw: Uint8Array): void {
    switch (message.kind) {
      case 'server_hello':
        if (this.step === Step.ServerHello) this.onServerHello(message, raw);
        else this.unexpected();
        return;
      case 'certificate':
        if (this.step !== Step.Certificate || message.chain.length === 0) this.unexpected();
        else this.onCertificate(message.chain, raw);
        return;
      case 'certificate_status':
        // RFC 6066 section 8: only where the ServerHello had the extension.
        if (this.serverHello?.statusRequest === true) {
          this.advance(Step.CertificateStatus, Step.ServerKeyExchange, raw);
        } else {
          this.unexpected();
        }
        return;
      case 'server_key_exchange':
        if (this.advance(Step.ServerKeyExchange, Step.CertificateRequest, raw)) {
          this.onServerKeyExchange(message.params);
        }
        return;
      case 'certificate_request':
        if (this.advance(Step.CertificateRequest, Step.ServerHelloDone, raw)) {
          this.context.notes.certificateRequested = true;
        }
        return;
      case 'server_hello_done':
        if (this.advance(Step.ServerHelloDone, Step.NewSessionTicket, raw)) {
          this.context.notes.certificateRequested ??= false;
          this.sendFlight();
        }
        return;
      case 'new_session_ticket':
        if (this.step !== Step.NewSessionTicket) {
          this.unexpected();
          return;
        }
        this.transcript.add(raw);
        this.step = Step.ChangeCipherSpec;
        return;
      case 'finished':
        if (this.step === Step.Finished) this.onFinished(message.verifyData);
        else this.unexpected();
        return;
      default:
        this.unexpected();
    }
  }

  onChangeCipherSpec(): void {
    this.step = Step.Finished;
  }

  /** Takes a message of the flight between Certificate and ServerHelloDone, where what is between may be left out. */
  private advance(step: Step, next: Step, raw: Uint8Array): boolean {
    if (this.step <= Step.Certificate || this.step > step) {
      this.unexpected();
      return false;
    }
    this.transcript.add(raw);
    this.step = next;
    return true;
  }

  private unexpected(): void {
    this.context.records.fail(AlertDescription.UnexpectedMessage, 'malformed');
  }

  private onServerHello(hello: StrictServerHello, raw: Uint8Array): void {
    const { records, offer } = this.context;
    const refusal = refuseLegacyHello(hello, offer);
    if (refusal !== null) {
      records.fail(refusal.alert, refusal.outcome);
      return;
    }
    const suite = LEGACY_SUITES.get(hello.cipherSuite);
    if (suite === undefined) return;
    this.suite = suite;
    this.serverHello = hello;
    this.transcript.add(raw);
    records.buffering = true;
    this.step = Step.Certificate;
  }

  private onCertificate(chain: readonly Uint8Array[], raw: Uint8Array): void {
    const { records, notes } = this.context;
    notes.certificate = chain[0] ?? null;
    const keys = chain.map(certificateKey);
    const leaf = keys[0] ?? null;
    if (leaf === null || keys.includes(null)) {
      records.fail(AlertDescription.BadCertificate, 'malformed');
    } else if (leaf.algorithm === 'other') {
      records.fail(AlertDescription.UnsupportedCertificate, 'unsupported');
    } else {
      this.leaf = leaf;
      this.transcript.add(raw);
      this.step = Step.CertificateStatus;
    }
  }

  /** RFC 8422 section 5.4. Parameters that cannot be used are found out when they are needed. */
  private onServerKeyExchange(params: Uint8Array): void {
    if (this.suite?.keyExchange !== 'ecdhe' || params[0] !== NAMED_CURVE || params.length < 4) return;
    const group = ((params[1] ?? 0) << 8) | (params[2] ?? 0);
    this.context.notes.keyExchangeGroup = group;
    const end = 4 + (params[3] ?? 0);
    if (end + 2 > params.length) return;
    const share = this.context.randomness.keyShare(group);
    const preMasterSecret = share?.sharedSecret(params.subarray(4, end)) ?? null;
    if (share === null || preMasterSecret === null) return;
    const body = new Uint8Array(1 + share.publicKey.length);
    body[0] = share.publicKey.length;
    body.set(share.publicKey, 1);
    this.keyExchange = { preMasterSecret, body };
  }

  /** RFC 5246 section 7.4.7.1: the version in the secret is that of the Client Hello. */
  private encryptedPreMasterSecret(): ClientKeyExchange | null {
    const { definition } = this.context.hello;
    const preMasterSecret = this.context.randomness.bytes(PRE_MASTER_SECRET_LENGTH);
    preMasterSecret[0] = definition.legacyVersion >> 8;
    preMasterSecret[1] = definition.legacyVersion & 0xff;
    const encrypted = this.leaf === null ? null : encryptFor(this.leaf, preMasterSecret);
    if (encrypted === null) return null;
    const body = new Uint8Array(2 + encrypted.length);
    body[0] = encrypted.length >> 8;
    body[1] = encrypted.length & 0xff;
    body.set(encrypted, 2);
    return { preMasterSecret, body };
  }

  /** Certificate (empty, where one was asked for), ClientKeyExchange, ChangeCipherSpec and Finished in one piece. */
  private sendFlight(): void {
    const { records, notes } = this.context;
    const { suite, serverHello } = this;
    if (suite === null || serverHello === null) return;
    if (notes.certificateRequested === true)
      this.send(handshakeMessage(HandshakeType.Certificate, Uint8Array.of(0, 0, 0)));
    const keyExchange = suite.keyExchange === 'rsa' ? this.encryptedPreMasterSecret() : this.keyExchange;
    if (keyExchange === null) {
      records.fail(AlertDescription.InternalError, 'unsupported');
      return;
    }
    this.send(handshakeMessage(HandshakeType.ClientKeyExchange, keyExchange.body));
    this.establishKeys(suite, serverHello, keyExchange.preMasterSecret);
    const hash = this.prfHash(suite);
    const verify = verifyData(hash, this.master, 'client', this.handshakeHash(hash));
    this.send(handshakeMessage(HandshakeType.Finished, verify));
    records.buffering = false;
    this.step = serverHello.sessionTicket ? Step.NewSessionTicket : Step.ChangeCipherSpec;
  }

  private send(message: Uint8Array): void {
    this.transcript.add(message);
    this.context.records.write(ContentType.Handshake, message);
  }

  /** RFC 5246 section 6.3, and our ChangeCipherSpec. */
  private establishKeys(suite: LegacySuite, serverHello: StrictServerHello, preMasterSecret: Uint8Array): void {
    const { records, clientRandom } = this.context;
    const hash = this.prfHash(suite);
    this.master = this.usesExtendedMasterSecret()
      ? extendedMasterSecret(hash, preMasterSecret, this.handshakeHash(hash))
      : masterSecret(hash, preMasterSecret, clientRandom, serverHello.random);
    const { mac, key, iv } = keyLengths(suite);
    const block = keyBlock(hash, this.master, clientRandom, serverHello.random, 2 * (mac + key + iv));
    const keys = (side: 0 | 1): Parameters<typeof legacyProtection>[2] => ({
      mac: block.subarray(side * mac, side * mac + mac),
      key: block.subarray(2 * mac + side * key, 2 * mac + side * key + key),
      iv: block.subarray(2 * (mac + key) + side * iv, 2 * (mac + key) + side * iv + iv),
    });
    records.write(ContentType.ChangeCipherSpec, Uint8Array.of(1));
    records.writeProtection = legacyProtection(suite, this.version, keys(0));
    records.nextReadProtection = legacyProtection(suite, this.version, keys(1));
  }

  /** RFC 7627 section 5.2: offered and accepted. */
  private usesExtendedMasterSecret(): boolean {
    const { notes, hello } = this.context;
    const isIt = ({ type }: { readonly type: number | string }): boolean => type === ExtensionType.ExtendedMasterSecret;
    return hello.definition.extensions.some(isIt) && notes.serverHelloExtensions?.some(isIt) === true;
  }

  private onFinished(received: Uint8Array): void {
    const { records } = this.context;
    const { suite } = this;
    if (suite === null) return;
    const hash = this.prfHash(suite);
    const expected = verifyData(hash, this.master, 'server', this.handshakeHash(hash));
    if (Buffer.compare(expected, received) === 0) records.complete(this.context.goesOn);
    else records.fail(AlertDescription.HandshakeFailure, 'malformed');
  }

  /** RFC 5246 section 7.4.9; MD5 and SHA-1 side by side before TLS 1.2. */
  private handshakeHash(hash: PrfHash): Uint8Array {
    const { transcript } = this;
    return hash === 'md5-sha1'
      ? Buffer.concat([transcript.hash('md5'), transcript.hash('sha1')])
      : transcript.hash(hash);
  }

  private prfHash(suite: LegacySuite): PrfHash {
    return this.version >= ProtocolVersion.Tls12 ? suite.prf : 'md5-sha1';
  }
}

/** Parsed keys by their DER: a server shows the same one ten times, and taking it in costs more than using it. */
const rsaKeys = new LRUCache<string, KeyObject>({ max: 256 });

function encryptFor(leaf: CertificateKey, preMasterSecret: Uint8Array): Uint8Array | null {
  if (leaf.algorithm !== 'rsa') return null;
  const spki = Buffer.from(leaf.subjectPublicKeyInfo);
  const text = spki.toString('latin1');
  try {
    let key = rsaKeys.get(text);
    if (key === undefined) {
      key = createPublicKey({ key: spki, format: 'der', type: 'spki' });
      rsaKeys.set(text, key);
    }
    return encryptPreMasterSecret(key, preMasterSecret);
  } catch {
    return null; // an RSA key that OpenSSL does not take
  }
}
