// What the data of extensions means: one pure decoder per extension, strict as its RFC has it. Which of them a message
// carries, and what a malformed one means for the message, is for the decoders of the messages.
import type { NamedGroup, ProtocolVersion } from './constants.js';
import { ServerNameType } from './constants.js';
import { Reader } from './reader.js';
import type { Whole } from './reader.js';
import { decodeText } from './text.js';

/** server_name of a ClientHello: the first host_name, null where only names of other types are listed. RFC 6066 section 3. */
export function decodeServerName(data: Uint8Array): Whole<string | null> {
  const reader = Reader.ofWhole(data);
  let name: Uint8Array | null = null;
  const outer = reader.open16('server_name_list');
  while (reader.more()) {
    const type = reader.uint8('name_type');
    const value = reader.opaque16('host_name');
    if (type === ServerNameType.HostName) name ??= value;
  }
  reader.close(outer, 'server_name_list');
  return reader.answerWhole(name === null ? null : decodeText(name), 'server_name');
}

/** application_layer_protocol_negotiation: the names, in order. RFC 7301 section 3.1. */
export function decodeProtocolNames(data: Uint8Array): Whole<string[]> {
  const reader = Reader.ofWhole(data);
  const names: string[] = [];
  const outer = reader.open16('protocol_name_list');
  while (reader.more()) names.push(decodeText(reader.opaque8('protocol_name')));
  reader.close(outer, 'protocol_name_list');
  return reader.answerWhole(names, 'application_layer_protocol_negotiation');
}

/** supported_versions of a ClientHello. RFC 8446 section 4.2.1. */
export function decodeSupportedVersions(data: Uint8Array): Whole<ProtocolVersion[]> {
  const reader = Reader.ofWhole(data);
  const versions: ProtocolVersion[] = [];
  const outer = reader.open8('versions');
  while (reader.more()) versions.push(reader.uint16('version'));
  reader.close(outer, 'versions');
  return reader.answerWhole(versions, 'supported_versions');
}

/** supported_versions of a ServerHello: the one that was selected. RFC 8446 section 4.2.1. */
export function decodeSelectedVersion(data: Uint8Array): Whole<ProtocolVersion> {
  const reader = Reader.ofWhole(data);
  return reader.answerWhole(reader.uint16('selected_version'), 'supported_versions');
}

/**
 * A vector of two-byte code points with a two-byte length: supported_groups (RFC 8446 section 4.2.7),
 * signature_algorithms and signature_algorithms_cert (section 4.2.3), delegated_credential (RFC 9345).
 */
export function decodeCodePoints(data: Uint8Array): Whole<number[]> {
  const reader = Reader.ofWhole(data);
  const values: number[] = [];
  const outer = reader.open16('list');
  while (reader.more()) values.push(reader.uint16('code point'));
  reader.close(outer, 'list');
  return reader.answerWhole(values, 'extension');
}

/**
 * A vector of one-byte code points with a one-byte length: ec_point_formats (RFC 8422 section 5.1.2),
 * psk_key_exchange_modes (RFC 8446 section 4.2.9), client_certificate_type and server_certificate_type of a ClientHello
 * (RFC 7250 section 3).
 */
export function decodeByteList(data: Uint8Array): Whole<number[]> {
  const reader = Reader.ofWhole(data);
  const list = reader.opaque8('list');
  return reader.answerWhole([...list], 'extension');
}

/** compress_certificate: the algorithms. RFC 8879 section 3. */
export function decodeCompressionAlgorithms(data: Uint8Array): Whole<number[]> {
  const reader = Reader.ofWhole(data);
  const values: number[] = [];
  const outer = reader.open8('algorithms');
  while (reader.more()) values.push(reader.uint16('algorithm'));
  reader.close(outer, 'algorithms');
  return reader.answerWhole(values, 'compress_certificate');
}

/** One key share. RFC 8446 section 4.2.8. */
export interface KeyShareEntry {
  readonly group: NamedGroup;
  readonly keyExchange: Uint8Array;
}

/** key_share of a ClientHello. */
export function decodeClientKeyShares(data: Uint8Array): Whole<KeyShareEntry[]> {
  const reader = Reader.ofWhole(data);
  const shares: KeyShareEntry[] = [];
  const outer = reader.open16('client_shares');
  while (reader.more()) shares.push({ group: reader.uint16('group'), keyExchange: reader.opaque16('key_exchange') });
  reader.close(outer, 'client_shares');
  return reader.answerWhole(shares, 'key_share');
}

/** key_share of a ServerHello. */
export function decodeServerKeyShare(data: Uint8Array): Whole<KeyShareEntry> {
  const reader = Reader.ofWhole(data);
  const share = { group: reader.uint16('group'), keyExchange: reader.opaque16('key_exchange') };
  return reader.answerWhole(share, 'key_share');
}

/** key_share of a HelloRetryRequest: the group that is asked for. */
export function decodeSelectedGroup(data: Uint8Array): Whole<NamedGroup> {
  const reader = Reader.ofWhole(data);
  return reader.answerWhole(reader.uint16('selected_group'), 'key_share');
}

/** cookie. RFC 8446 section 4.2.2. */
export function decodeCookie(data: Uint8Array): Whole<Uint8Array> {
  const reader = Reader.ofWhole(data);
  return reader.answerWhole(reader.opaque16('cookie'), 'cookie');
}

/** pre_shared_key of a ServerHello: the index of the identity that was selected. RFC 8446 section 4.2.11. */
export function decodeSelectedIdentity(data: Uint8Array): Whole<number> {
  const reader = Reader.ofWhole(data);
  return reader.answerWhole(reader.uint16('selected_identity'), 'pre_shared_key');
}

/** pre_shared_key of a ClientHello: its identities. The binders behind them are checked for form only. */
export function decodeOfferedIdentities(data: Uint8Array): Whole<Uint8Array[]> {
  const reader = Reader.ofWhole(data);
  const identities: Uint8Array[] = [];
  const outerIdentities = reader.open16('identities');
  while (reader.more()) {
    identities.push(reader.opaque16('identity'));
    reader.uint32('obfuscated_ticket_age');
  }
  reader.close(outerIdentities, 'identities');
  const outerBinders = reader.open16('binders');
  while (reader.more()) reader.opaque8('binder');
  reader.close(outerBinders, 'binders');
  return reader.answerWhole(identities, 'pre_shared_key');
}

/** max_fragment_length: 1 (2^9 bytes) to 4 (2^12). RFC 6066 section 4. Also heartbeat's mode (RFC 6520 section 2). */
export function decodeByte(data: Uint8Array): Whole<number> {
  const reader = Reader.ofWhole(data);
  return reader.answerWhole(reader.uint8('value'), 'extension');
}

/** record_size_limit in bytes. RFC 8449 section 4. */
export function decodeRecordSizeLimit(data: Uint8Array): Whole<number> {
  const reader = Reader.ofWhole(data);
  return reader.answerWhole(reader.uint16('record_size_limit'), 'record_size_limit');
}

/** renegotiation_info: renegotiated_connection, empty in a first handshake. RFC 5746 section 3.2. */
export function decodeRenegotiationInfo(data: Uint8Array): Whole<Uint8Array> {
  const reader = Reader.ofWhole(data);
  return reader.answerWhole(reader.opaque8('renegotiated_connection'), 'renegotiation_info');
}

/** signed_certificate_timestamp of a server: the SCTs. RFC 6962 section 3.3. */
export function decodeSignedCertificateTimestamps(data: Uint8Array): Whole<Uint8Array[]> {
  const reader = Reader.ofWhole(data);
  const list: Uint8Array[] = [];
  const outer = reader.open16('sct_list');
  while (reader.more()) list.push(reader.opaque16('serialized_sct'));
  reader.close(outer, 'sct_list');
  return reader.answerWhole(list, 'signed_certificate_timestamp');
}

/** certificate_authorities: the DER of each DistinguishedName. RFC 8446 section 4.2.4. */
export function decodeCertificateAuthorities(data: Uint8Array): Whole<Uint8Array[]> {
  const reader = Reader.ofWhole(data);
  const names: Uint8Array[] = [];
  const outer = reader.open16('authorities');
  while (reader.more()) names.push(reader.opaque16('distinguished_name'));
  reader.close(outer, 'authorities');
  return reader.answerWhole(names, 'certificate_authorities');
}

/** Which kind of encrypted_client_hello a ClientHello carries. GREASE ECH cannot be told from `outer`. RFC 9849 section 5. */
export type EncryptedClientHelloKind = 'outer' | 'inner';

/** encrypted_client_hello of a ClientHello: its ECHClientHelloType. */
export function decodeEncryptedClientHello(data: Uint8Array): Whole<EncryptedClientHelloKind> {
  const reader = Reader.ofWhole(data);
  const type = reader.uint8('type');
  if (type === 0) {
    reader.uint16('kdf_id');
    reader.uint16('aead_id');
    reader.uint8('config_id');
    reader.opaque16('enc');
    reader.opaque16('payload');
  } else if (type !== 1) {
    reader.fail(`ECHClientHelloType ${type}`, 0);
  }
  return reader.answerWhole(type === 0 ? 'outer' : 'inner', 'encrypted_client_hello');
}
