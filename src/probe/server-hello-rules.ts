// Whether the paper's scanner goes on after a ServerHello, and with which alert it ends otherwise, in its order of checks.
// One place for the prober, which is that client, and for who watches such a client. Pure.
import { Buffer } from 'node:buffer';
import { AlertDescription, ProtocolVersion } from '../tls/constants.js';
import { LEGACY_SUITES, TLS13_SUITES } from '../tls/crypto/cipher-suites.js';
import type { ProbeOutcome } from './probe-result.js';
import type { StrictServerHello } from './strict-server-hello.js';

/** What a Client Hello offered, as far as an answer is judged by it. */
export interface Offer {
  readonly cipherSuites: ReadonlySet<number>;
  readonly sessionId: Uint8Array;
  readonly supportedGroups: ReadonlySet<number>;
  readonly offersAlpn: boolean;
}

/** Why the client ends the connection. */
export interface Refusal {
  readonly alert: AlertDescription;
  readonly outcome: ProbeOutcome;
}

/** RFC 8446 section 4.1.3: versions that a server may choose, whether they were offered or not. */
const LOWEST_VERSION = ProtocolVersion.Tls10;
const HIGHEST_VERSION = ProtocolVersion.Tls13;

/** The version that a ServerHello chooses; null: one that the client cannot go on with. */
export function chosenVersion(hello: StrictServerHello): ProtocolVersion | null {
  const version: ProtocolVersion = hello.selectedVersion === 0 ? hello.legacyVersion : hello.selectedVersion;
  return version < LOWEST_VERSION || version > HIGHEST_VERSION ? null : version;
}

/** A ServerHello of TLS 1.2 and lower. Null: the client goes on. */
export function refuseLegacyHello(hello: StrictServerHello, offer: Offer): Refusal | null {
  if (!offer.cipherSuites.has(hello.cipherSuite) || !LEGACY_SUITES.has(hello.cipherSuite)) {
    return refusal(AlertDescription.HandshakeFailure, 'unsupported');
  }
  if (hello.compressionMethod !== 0) return refusal(AlertDescription.UnexpectedMessage, 'unsupported');
  const renegotiates = hello.renegotiation !== null && hello.renegotiation.length > 0;
  if (renegotiates || (hello.alpn && !offer.offersAlpn)) return refusal(AlertDescription.HandshakeFailure);
  return null;
}

/** What holds for ServerHello and HelloRetryRequest of TLS 1.3 alike. `suiteBefore`: of the HelloRetryRequest before it. */
export function refuseTls13Hello(hello: StrictServerHello, offer: Offer, suiteBefore: number | null): Refusal | null {
  if (hello.selectedVersion === 0) return refusal(AlertDescription.MissingExtension);
  if (hello.selectedVersion !== ProtocolVersion.Tls13) return refusal(AlertDescription.IllegalParameter);
  if (hello.legacyVersion !== ProtocolVersion.Tls12) return refusal(AlertDescription.IllegalParameter);
  const forbidden =
    hello.statusRequest ||
    hello.sessionTicket ||
    hello.renegotiation !== null ||
    hello.alpn ||
    hello.signedCertificateTimestamps;
  if (forbidden) return refusal(AlertDescription.UnsupportedExtension);
  if (Buffer.compare(hello.sessionId, offer.sessionId) !== 0) return refusal(AlertDescription.IllegalParameter);
  if (hello.compressionMethod !== 0) return refusal(AlertDescription.IllegalParameter);
  if (!offer.cipherSuites.has(hello.cipherSuite) || !TLS13_SUITES.has(hello.cipherSuite)) {
    return refusal(AlertDescription.IllegalParameter, 'unsupported');
  }
  const hasChanged = suiteBefore !== null && hello.cipherSuite !== suiteBefore;
  return hasChanged ? refusal(AlertDescription.IllegalParameter) : null;
}

/** A first HelloRetryRequest, after refuseTls13Hello. `shareGroups`: groups of which the client has sent a share. */
export function refuseRetry(retry: StrictServerHello, offer: Offer, shareGroups: readonly number[]): Refusal | null {
  if (retry.serverShare.group !== 0) return refusal(AlertDescription.DecodeError);
  if (retry.selectedGroup === 0) return refusal(AlertDescription.MissingExtension);
  const isUsable = offer.supportedGroups.has(retry.selectedGroup) && !shareGroups.includes(retry.selectedGroup);
  return isUsable ? null : refusal(AlertDescription.IllegalParameter);
}

/** The key share of a ServerHello, after refuseTls13Hello. A second HelloRetryRequest ends here. */
export function refuseShare(hello: StrictServerHello, shareGroups: readonly number[]): Refusal | null {
  if (hello.isHelloRetryRequest) return refusal(AlertDescription.UnexpectedMessage);
  if (hello.cookie !== null) return refusal(AlertDescription.UnsupportedExtension);
  if (hello.selectedGroup !== 0) return refusal(AlertDescription.DecodeError);
  const isUsable = shareGroups.includes(hello.serverShare.group) && !hello.preSharedKey;
  return isUsable ? null : refusal(AlertDescription.IllegalParameter);
}

function refusal(alert: AlertDescription, outcome: ProbeOutcome = 'malformed'): Refusal {
  return { alert, outcome };
}
