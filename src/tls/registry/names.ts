// Names of code points, for people. What has no name keeps its number: `0x1234`.
import type { AlertDescription, ExtensionType, NamedGroup } from '../constants.js';
import { isGrease, isGreasePskMode } from '../grease.js';
import { ALERTS } from './alerts.js';
import { CERTIFICATE_COMPRESSION_ALGORITHMS } from './certificate-compression-algorithms.js';
import { CERTIFICATE_TYPES } from './certificate-types.js';
import { CIPHER_SUITES } from './cipher-suites.js';
import { EC_POINT_FORMATS } from './ec-point-formats.js';
import { EXTENSION_TYPES } from './extension-types.js';
import { HASH_ALGORITHMS } from './hash-algorithms.js';
import { PSK_KEY_EXCHANGE_MODES } from './psk-key-exchange-modes.js';
import { SIGNATURE_ALGORITHMS } from './signature-algorithms.js';
import { SIGNATURE_SCHEMES } from './signature-schemes.js';
import { SUPPORTED_GROUPS } from './supported-groups.js';

/** `TLS_AES_128_GCM_SHA256`, `GREASE (0x0a0a)`, `0x1234`. */
export function cipherSuiteName(code: number): string {
  return name16(CIPHER_SUITES, code);
}

/** `supported_versions`, `0x1234`. */
export function extensionTypeName(type: ExtensionType): string {
  return name16(EXTENSION_TYPES, type);
}

/** `x25519`, `X25519MLKEM768`. */
export function supportedGroupName(group: NamedGroup): string {
  return name16(SUPPORTED_GROUPS, group);
}

/** `ecdsa_secp256r1_sha256`; TLS 1.2's pairs that TLS 1.3 has no name for as signature and hash: `rsa_sha224`. */
export function signatureSchemeName(code: number): string {
  const name = SIGNATURE_SCHEMES.get(code);
  if (name !== undefined) return name;
  const hash = HASH_ALGORITHMS.get(code >> 8);
  const signature = SIGNATURE_ALGORITHMS.get(code & 0xff);
  return hash === undefined || signature === undefined ? name16(SIGNATURE_SCHEMES, code) : `${signature}_${hash}`;
}

/** `handshake_failure`; names of alerts that later RFCs only reserve keep their name, without IANA's `_RESERVED`. */
export function alertName(description: AlertDescription): string {
  return name8(ALERTS, description).replace(/_RESERVED$/, '');
}

export function ecPointFormatName(format: number): string {
  return name8(EC_POINT_FORMATS, format);
}

export function pskKeyExchangeModeName(mode: number): string {
  return isGreasePskMode(mode) ? `GREASE (${hexadecimal(mode, 2)})` : name8(PSK_KEY_EXCHANGE_MODES, mode);
}

export function certificateCompressionName(algorithm: number): string {
  return name16(CERTIFICATE_COMPRESSION_ALGORITHMS, algorithm);
}

/** Certificate types of RFC 7250 and RFC 6091. */
export function certificateTypeName(type: number): string {
  return name8(CERTIFICATE_TYPES, type);
}

function name16(names: ReadonlyMap<number, string>, code: number): string {
  const name = names.get(code);
  if (name !== undefined) return name;
  return isGrease(code) ? `GREASE (${hexadecimal(code, 4)})` : hexadecimal(code, 4);
}

function name8(names: ReadonlyMap<number, string>, code: number): string {
  return names.get(code) ?? hexadecimal(code, 2);
}

function hexadecimal(code: number, digits: number): string {
  return `0x${code.toString(16).padStart(digits, '0')}`;
}
