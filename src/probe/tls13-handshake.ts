// The handshake of TLS 1.3 from the ServerHello (or HelloRetryRequest) to our Finished (RFC 8446 section 2), without
// pre-shared keys. No certificate and no signature is checked: what a server signs with is not part of a fingerprint.
import { AlertDescription, ContentType, HandshakeType, ProtocolVersion } from '../tls/constants.js';
import { certificateKey } from '../tls/crypto/certificate-key.js';
import { TLS13_SUITES } from '../tls/crypto/cipher-suites.js';
import type { Tls13Suite } from '../tls/crypto/cipher-suites.js';
import {
  deriveSecret,
  finishedVerifyData,
  handshakeSecret,
  masterSecretOf,
  trafficKeys,
} from '../tls/crypto/key-schedule.js';
import { tls13Protection } from '../tls/crypto/record-protection.js';
import type { RecordProtection } from '../tls/crypto/record-protection.js';
import { Transcript } from '../tls/crypto/transcript.js';
import { RECORD_HEADER_LENGTH } from '../tls/records.js';
import { refuseRetry, refuseShare, refuseTls13Hello } from './server-hello-rules.js';
import type { Refusal } from './server-hello-rules.js';
import type { StrictMessage } from './strict-messages.js';
import type { StrictServerHello } from './strict-server-hello.js';
import {
  handshakeMessage,
  type HandshakeContext,
  type OfferedShare,
  type VersionHandshake,
} from './version-handshake.js';

enum Step {
  ServerHello,
  ServerHelloAfterRetry,
  EncryptedExtensions,
  CertificateRequestOrCertificate,
  Certificate,
  CertificateVerify,
  Finished,
}

/** SignatureSchemes that the scanner accepts in CertificateVerify (RFC 8446 section 4.2.3): PSS, ECDSA and Ed25519. */
const SIGNATURE_SCHEMES: ReadonlySet<number> = new Set([
  ...[0x0804, 0x0805, 0x0806, 0x0403, 0x0503, 0x0603],
  ...[0x0807],
]);

/** RFC 8446 section 4.4.2: no context, no certificates. */
const EMPTY_CERTIFICATE = Uint8Array.of(0, 0, 0, 0);

export class Tls13Handshake implements VersionHandshake {
  /** RFC 8446 appendix D.4: a ChangeCipherSpec may come at any time and means nothing. */
  readonly expectsChangeCipherSpec = false;

  private step = Step.ServerHello;
  private suite: Tls13Suite | null = null;
  private readonly transcript = new Transcript();
  private shares: readonly OfferedShare[];
  private handshakeSecret: Uint8Array = new Uint8Array(0);
  private clientSecret: Uint8Array = new Uint8Array(0);
  private serverSecret: Uint8Array = new Uint8Array(0);
  private certificateRequested = false;
  private sentChangeCipherSpec = false;

  constructor(private readonly context: HandshakeContext) {
    this.shares = context.keyShares;
    this.transcript.add(context.clientHello);
  }

  onChangeCipherSpec(): void {
    // Never asked for.
  }

  onMessage(message: StrictMessage, raw: Uint8Array): void {
    switch (this.step) {
      case Step.ServerHello:
      case Step.ServerHelloAfterRetry:
        if (message.kind === 'server_hello') this.onServerHello(message, raw);
        else this.unexpected();
        return;
      case Step.EncryptedExtensions:
        if (message.kind === 'encrypted_extensions') this.onEncryptedExtensions(message.alpn, raw);
        else this.unexpected();
        return;
      case Step.CertificateRequestOrCertificate:
        if (message.kind === 'certificate_request') {
          this.certificateRequested = true;
          this.accept(raw, Step.Certificate);
          return;
        }
        if (message.kind === 'certificate') this.onCertificate(message.chain, raw);
        else this.unexpected();
        return;
      case Step.Certificate:
        if (message.kind === 'certificate') this.onCertificate(message.chain, raw);
        else this.unexpected();
        return;
      case Step.CertificateVerify:
        if (message.kind === 'certificate_verify') this.onCertificateVerify(message.scheme, raw);
        else this.unexpected();
        return;
      case Step.Finished:
        if (message.kind === 'finished') this.onFinished(message.verifyData, raw);
        else this.unexpected();
        return;
    }
  }

  private unexpected(): void {
    this.context.records.fail(AlertDescription.UnexpectedMessage, 'malformed');
  }

  private accept(raw: Uint8Array, next: Step): void {
    this.transcript.add(raw);
    this.step = next;
  }

  private onServerHello(hello: StrictServerHello, raw: Uint8Array): void {
    const { notes, offer } = this.context;
    const isSecond = this.step === Step.ServerHelloAfterRetry;
    if (isSecond) notes.serverHello = { version: hello.legacyVersion, cipher: hello.cipherSuite };
    if (this.refuses(refuseTls13Hello(hello, offer, this.suite?.id ?? null))) return;
    const suite = TLS13_SUITES.get(hello.cipherSuite);
    if (suite === undefined) return;
    this.suite = suite;
    if (hello.isHelloRetryRequest && !isSecond) {
      this.onHelloRetryRequest(hello, raw, suite);
      return;
    }
    this.transcript.add(raw);
    this.context.records.buffering = true;
    const sharedSecret = this.agree(hello);
    if (sharedSecret === null) return;
    this.sendChangeCipherSpec();
    this.establishHandshakeKeys(suite, sharedSecret);
    this.step = Step.EncryptedExtensions;
  }

  /** Ends the connection where there is a reason to. */
  private refuses(refusal: Refusal | null): boolean {
    if (refusal !== null) this.context.records.fail(refusal.alert, refusal.outcome);
    return refusal !== null;
  }

  /** RFC 8446 sections 4.1.4 and 4.4.1: the same hello again, with the one share that was asked for. */
  private onHelloRetryRequest(retry: StrictServerHello, raw: Uint8Array, suite: Tls13Suite): void {
    const { records, hello, offer } = this.context;
    this.sendChangeCipherSpec();
    if (this.refuses(refuseRetry(retry, offer, this.shareGroups()))) return;
    const group = retry.selectedGroup;
    const share = this.context.randomness.keyShare(group);
    if (share === null) {
      records.fail(AlertDescription.InternalError, 'unsupported');
      return;
    }
    this.shares = [{ group, share }];
    const template = retry.cookie === null ? hello.first : hello.retry;
    const entry = { group, keyExchange: share.publicKey };
    const record = this.context.writeHello(template, ProtocolVersion.Tls12, entry, retry.cookie);
    records.writeRaw(record);
    this.transcript.replaceWith(handshakeMessage(HandshakeType.MessageHash, this.transcript.hash(suite.hash)));
    this.transcript.add(raw);
    this.transcript.add(record.subarray(RECORD_HEADER_LENGTH));
    this.step = Step.ServerHelloAfterRetry;
  }

  private shareGroups(): number[] {
    return this.shares.map(({ group }) => group);
  }

  /** The shared secret with the server's share; null: the connection is over. */
  private agree(hello: StrictServerHello): Uint8Array | null {
    if (this.refuses(refuseShare(hello, this.shareGroups()))) return null;
    const { group, keyExchange } = hello.serverShare;
    const offered = this.shares.find((candidate) => candidate.group === group);
    const secret = offered?.share?.sharedSecret(keyExchange) ?? null;
    if (secret === null) this.context.records.fail(AlertDescription.IllegalParameter, 'malformed');
    return secret;
  }

  private sendChangeCipherSpec(): void {
    if (this.sentChangeCipherSpec) return;
    this.sentChangeCipherSpec = true;
    this.context.records.write(ContentType.ChangeCipherSpec, Uint8Array.of(1));
  }

  private establishHandshakeKeys(suite: Tls13Suite, sharedSecret: Uint8Array): void {
    const { records } = this.context;
    const { hash, keyLength, cipher } = suite;
    const secret = handshakeSecret(hash, sharedSecret);
    this.handshakeSecret = secret;
    const transcriptHash = this.transcript.hash(hash);
    this.clientSecret = deriveSecret(hash, secret, 'c hs traffic', transcriptHash);
    this.serverSecret = deriveSecret(hash, secret, 's hs traffic', transcriptHash);
    records.writeProtection = tls13Protection(cipher, trafficKeys(hash, this.clientSecret, keyLength));
    records.readProtection = tls13Protection(cipher, trafficKeys(hash, this.serverSecret, keyLength));
  }

  private onEncryptedExtensions(alpn: boolean, raw: Uint8Array): void {
    if (alpn && !this.context.hello.definition.offersAlpn) {
      this.context.records.fail(AlertDescription.UnsupportedExtension, 'malformed');
      return;
    }
    this.accept(raw, Step.CertificateRequestOrCertificate);
  }

  private onCertificate(chain: readonly Uint8Array[], raw: Uint8Array): void {
    const { records, notes } = this.context;
    notes.certificate = chain[0] ?? null;
    const keys = chain.map(certificateKey);
    const leaf = keys[0];
    if (leaf === undefined) records.fail(AlertDescription.DecodeError, 'malformed');
    else if (leaf === null || keys.includes(null)) records.fail(AlertDescription.BadCertificate, 'malformed');
    else if (leaf.algorithm === 'other') records.fail(AlertDescription.UnsupportedCertificate, 'unsupported');
    else this.accept(raw, Step.CertificateVerify);
  }

  private onCertificateVerify(scheme: number | null, raw: Uint8Array): void {
    if (scheme === null || !SIGNATURE_SCHEMES.has(scheme)) {
      this.context.records.fail(AlertDescription.IllegalParameter, 'unsupported');
      return;
    }
    this.accept(raw, Step.Finished);
  }

  /** The server's Finished; then our (empty) Certificate, where one was asked for, and Finished. */
  private onFinished(received: Uint8Array, raw: Uint8Array): void {
    const { records } = this.context;
    const { suite, transcript } = this;
    if (suite === null) return;
    const expected = finishedVerifyData(suite.hash, this.serverSecret, transcript.hash(suite.hash));
    if (Buffer.compare(expected, received) !== 0) {
      records.fail(AlertDescription.DecryptError, 'malformed');
      return;
    }
    transcript.add(raw);
    const serverFinished = transcript.hash(suite.hash);
    if (this.certificateRequested) this.send(handshakeMessage(HandshakeType.Certificate, EMPTY_CERTIFICATE));
    const transcriptHash = this.certificateRequested ? transcript.hash(suite.hash) : serverFinished;
    const verify = finishedVerifyData(suite.hash, this.clientSecret, transcriptHash);
    this.send(handshakeMessage(HandshakeType.Finished, verify));
    this.establishApplicationKeys(suite, serverFinished);
    records.buffering = false;
    records.complete(this.context.goesOn);
  }

  /** `serverFinished`: the transcript hash up to the server's Finished. RFC 8446 section 7.1. */
  private establishApplicationKeys({ hash, keyLength, cipher }: Tls13Suite, serverFinished: Uint8Array): void {
    const { records } = this.context;
    const master = masterSecretOf(hash, this.handshakeSecret);
    const protection = (label: string): RecordProtection =>
      tls13Protection(cipher, trafficKeys(hash, deriveSecret(hash, master, label, serverFinished), keyLength));
    records.writeProtection = protection('c ap traffic');
    if (this.context.goesOn) records.readProtection = protection('s ap traffic');
  }

  private send(message: Uint8Array): void {
    this.transcript.add(message);
    this.context.records.write(ContentType.Handshake, message);
  }
}
