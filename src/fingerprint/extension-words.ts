// What an extension in a text fingerprint says, in words: `ec_point_formats: uncompressed`.
import { ExtensionType } from '../tls/constants.js';
import type { DerElement } from '../tls/der.js';
import { DerTag, derExpect } from '../tls/der.js';
import { distinguishedName } from '../tls/distinguished-name.js';
import {
  decodeByte,
  decodeByteList,
  decodeCertificateAuthorities,
  decodeCodePoints,
  decodeCompressionAlgorithms,
  decodeProtocolNames,
  decodeRecordSizeLimit,
  decodeSelectedGroup,
  decodeSelectedVersion,
  decodeSupportedVersions,
} from '../tls/extensions.js';
import type { Whole } from '../tls/reader.js';
import {
  certificateCompressionName,
  certificateTypeName,
  ecPointFormatName,
  extensionTypeName,
  pskKeyExchangeModeName,
  signatureSchemeName,
  supportedGroupName,
} from '../tls/registry/names.js';
import { versionName } from './version-name.js';
import type { ExtensionItem } from './handshake-observation.js';
import { keepsData } from './stack-value.js';

/** An extension in words: its name, and behind a colon its value where the fingerprint keeps one. */
export function extensionWords(item: ExtensionItem): string {
  const name = extensionTypeName(item.type);
  if (item.type !== ExtensionType.KeyShare && !keepsData(item.type)) return name;
  if (item.data.length === 0) return `${name}: empty`;
  return `${name}: ${valueWords(item) ?? `malformed (${hexadecimal(item.data)})`}`;
}

/** Null: the data cannot be decoded. */
function valueWords({ type, data }: ExtensionItem): string | null {
  switch (type) {
    case ExtensionType.KeyShare:
      return one(decodeSelectedGroup(data), supportedGroupName);
    case ExtensionType.SupportedVersions:
      return one(decodeSelectedVersion(data), versionName) ?? many(decodeSupportedVersions(data), versionName);
    case ExtensionType.ApplicationLayerProtocolNegotiation:
      return many(decodeProtocolNames(data), (name) => JSON.stringify(name).slice(1, -1));
    case ExtensionType.SupportedGroups:
      return many(decodeCodePoints(data), supportedGroupName);
    case ExtensionType.SignatureAlgorithms:
    case ExtensionType.SignatureAlgorithmsCert:
      return many(decodeCodePoints(data), signatureSchemeName);
    case ExtensionType.EcPointFormats:
      return many(decodeByteList(data), ecPointFormatName);
    case ExtensionType.PskKeyExchangeModes:
      return many(decodeByteList(data), pskKeyExchangeModeName);
    case ExtensionType.CompressCertificate:
      return many(decodeCompressionAlgorithms(data), certificateCompressionName);
    case ExtensionType.MaxFragmentLength:
      return one(decodeByte(data), (code) => (code >= 1 && code <= 4 ? `${2 ** (code + 8)} bytes` : `code ${code}`));
    case ExtensionType.RecordSizeLimit:
      return one(decodeRecordSizeLimit(data), (limit) => `${limit} bytes`);
    case ExtensionType.Heartbeat:
      return one(decodeByte(data), heartbeatMode);
    case ExtensionType.CertType:
    case ExtensionType.ClientCertificateType:
    case ExtensionType.ServerCertificateType:
      return one(decodeByte(data), certificateTypeName) ?? many(decodeByteList(data), certificateTypeName);
    case ExtensionType.CertificateAuthorities:
      return many(decodeCertificateAuthorities(data), authorityName, '; ');
    default:
      return hexadecimal(data);
  }
}

function one<T>(decoded: Whole<T>, name: (value: T) => string): string | null {
  return decoded.kind === 'message' ? name(decoded.value) : null;
}

function many<T>(decoded: Whole<readonly T[]>, name: (value: T) => string, separator = ', '): string | null {
  if (decoded.kind !== 'message') return null;
  return decoded.value.length === 0 ? 'none' : decoded.value.map((value) => name(value)).join(separator);
}

/** RFC 6520 section 2. */
function heartbeatMode(mode: number): string {
  return mode === 1 ? 'peer_allowed_to_send' : mode === 2 ? 'peer_not_allowed_to_send' : `mode ${mode}`;
}

function authorityName(der: Uint8Array): string {
  const name: DerElement | null = derExpect(der, 0, der.length, DerTag.Sequence);
  return (name === null ? null : distinguishedName(der, name)) ?? hexadecimal(der);
}

function hexadecimal(data: Uint8Array): string {
  return `0x${Buffer.from(data.buffer, data.byteOffset, data.length).toString('hex')}`;
}
