// Names of protocol versions for people. (Events have Suricata's names, which differ for TLS 1.0 and SSL.)
import { ProtocolVersion } from '../tls/constants.js';

const NAMES: ReadonlyMap<ProtocolVersion, string> = new Map<ProtocolVersion, string>([
  [ProtocolVersion.Ssl20, 'SSL 2.0'],
  [ProtocolVersion.Ssl30, 'SSL 3.0'],
  [ProtocolVersion.Tls10, 'TLS 1.0'],
  [ProtocolVersion.Tls11, 'TLS 1.1'],
  [ProtocolVersion.Tls12, 'TLS 1.2'],
  [ProtocolVersion.Tls13, 'TLS 1.3'],
]);

/** `TLS 1.2`, `TLS 1.3 draft 19` (0x7fXX), else the number: `0xfefe`. */
export function versionName(version: ProtocolVersion): string {
  const name = NAMES.get(version);
  if (name !== undefined) return name;
  if (version >> 8 === 0x7f) return `TLS 1.3 draft ${version & 0xff}`;
  return `0x${version.toString(16).padStart(4, '0')}`;
}
