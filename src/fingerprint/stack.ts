// The text fingerprint of a TLS stack as the TMA 2022 paper's scanner (tumi8/goscanner) writes it, byte for byte: one text
// per handshake, and the combination of a hello set's. Pure; the way back is in stack-parse.ts.
import { hash } from 'node:crypto';
import type { ExtensionList, HandshakeObservation } from './handshake-observation.js';
import { extensionText } from './stack-value.js';

/** Names of the paper's ten Client Hellos, in the order of a combined fingerprint. */
export const TEN_HELLOS: readonly string[] = [
  'random4520',
  'random458',
  'random6112',
  'random6306',
  'random6939',
  'random7225',
  'random7590',
  'random8273',
  'random9057',
  'random9428',
];

/** Text of a handshake that saw nothing at all. */
const SAW_NOTHING = '______';

/**
 * The text of one handshake: `version_cipher_ServerHello_EncryptedExtensions_CertificateRequest_HelloRetryRequest_Certificate`
 * and, where alerts came, `<` and their codes. See `handshakeFingerprint` for a handshake that saw nothing.
 */
export function handshakeText(observation: HandshakeObservation): string {
  const { serverHello, alerts } = observation;
  const fields = [
    serverHello === null ? '' : String(serverHello.version),
    serverHello === null ? '' : serverHello.cipher.toString(16),
    extensionListText(observation.serverHelloExtensions),
    extensionListText(observation.encryptedExtensions),
    extensionListText(observation.certificateRequestExtensions),
    extensionListText(observation.helloRetryRequestExtensions),
    extensionListText(observation.certificateExtensions),
  ];
  const text = fields.join('_');
  return alerts.length === 0 ? text : `${text}<${alerts.join('-')}`;
}

/** The fingerprint of one handshake: its text, null where it saw nothing. */
export function handshakeFingerprint(observation: HandshakeObservation): string | null {
  const text = handshakeText(observation);
  return text === SAW_NOTHING ? null : text;
}

/**
 * Combines the texts of a hello set's handshakes, by name of the Client Hello, into the fingerprint of the server.
 * Null where one of them has none, or where there are none at all: half a fingerprint is never made.
 */
export function combineHandshakes(hellos: Readonly<Record<string, string | null>>): string | null {
  const parts: string[] = [];
  for (const name of Object.keys(hellos).sort()) {
    const text = hellos[name];
    if (text === null || text === undefined || text === '') return null;
    parts.push(withoutStatusRequest(text));
  }
  return parts.length === 0 ? null : parts.join('|');
}

/**
 * Removes status_request (type 5), which depends on the certificate rather than on the software. These two textual
 * deletions are the definition: no base64 character, separator or other number can look like them.
 */
export function withoutStatusRequest(text: string): string {
  return text.replaceAll('-5.', '').replaceAll('_5.-', '_').replaceAll('_5.', '_');
}

/** The short name of a combined fingerprint: the first 32 hexadecimal digits of its SHA-256. */
export function fingerprintId(fingerprint: string): string {
  return hash('sha256', fingerprint).slice(0, 32);
}

function extensionListText(list: ExtensionList): string {
  if (list === null) return '';
  if (list.length === 0) return '-';
  return list.map((item) => `${item.type}.${extensionText(item)}`).join('-');
}
