// How one extension stands in the text fingerprint: which data is kept, which is reduced, and the way back.
import { ExtensionType } from '../tls/constants.js';
import type { ExtensionItem } from './handshake-observation.js';

/**
 * Extensions whose data says something of the software rather than of the session: it is kept whole.
 * The list is that of the paper's scanner (TMA 2022, tumi8/goscanner), so that texts compare equal across tools.
 */
const KEPT_WHOLE: ReadonlySet<ExtensionType> = new Set<ExtensionType>([
  ExtensionType.MaxFragmentLength,
  ExtensionType.ClientAuthz,
  ExtensionType.ServerAuthz,
  ExtensionType.CertType,
  ExtensionType.SupportedGroups,
  ExtensionType.EcPointFormats,
  ExtensionType.SignatureAlgorithms,
  ExtensionType.Heartbeat,
  ExtensionType.ApplicationLayerProtocolNegotiation,
  ExtensionType.ClientCertificateType,
  ExtensionType.ServerCertificateType,
  ExtensionType.TokenBinding,
  ExtensionType.CompressCertificate,
  ExtensionType.RecordSizeLimit,
  ExtensionType.SupportedVersions,
  ExtensionType.PskKeyExchangeModes,
  ExtensionType.CertificateAuthorities,
  ExtensionType.SignatureAlgorithmsCert,
]);

const NO_DATA = new Uint8Array(0);

/** Whether the text keeps the data of extensions of this type as it is. */
export function keepsData(type: ExtensionType): boolean {
  return KEPT_WHOLE.has(type);
}

/** The value behind `type.`: unpadded base64 of the data, for key_share its group in decimal, empty for most types. */
export function extensionText(item: ExtensionItem): string {
  if (item.type === ExtensionType.KeyShare) {
    const [high, low] = item.data;
    return String(high === undefined || low === undefined ? 0 : (high << 8) | low);
  }
  return keepsData(item.type) ? unpaddedBase64(item.data) : '';
}

/** The data that a value stands for, as far as the text kept it; null: the text is none that `extensionText` writes. */
export function extensionData(type: ExtensionType, text: string): Uint8Array | null {
  if (type === ExtensionType.KeyShare) {
    const group = decimal(text, 0xffff);
    return group === null ? null : Uint8Array.of(group >> 8, group & 0xff);
  }
  if (!keepsData(type)) return text === '' ? NO_DATA : null;
  const data = Buffer.from(text, 'base64');
  return unpaddedBase64(data) === text ? data : null;
}

/** A decimal number as the text writes it, without sign and leading zeros; null: it is none, or over `max`. */
export function decimal(text: string, max: number): number | null {
  const value = Number(text);
  return text.length <= 5 && String(value) === text && Number.isInteger(value) && value >= 0 && value <= max
    ? value
    : null;
}

function unpaddedBase64(data: Uint8Array): string {
  const text = Buffer.from(data.buffer, data.byteOffset, data.length).toString('base64');
  let end = text.length;
  while (end > 0 && text.charCodeAt(end - 1) === 0x3d) end -= 1;
  return text.slice(0, end);
}
