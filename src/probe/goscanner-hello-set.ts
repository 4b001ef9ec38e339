// Reads a hello set from a folder as goscanner takes it: one JSON preset per Client Hello, named by its file. What a preset
// becomes on the wire is goscanner's doing: its order of extensions, its cut of the key shares, its way of reversing.
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { HellotapError } from '../errors.js';
import { systemReason } from '../system-reason.js';
import { ExtensionType, ProtocolVersion } from '../tls/constants.js';
import { SUPPORTED_GROUPS } from '../tls/crypto/key-exchange.js';
import { isGrease } from '../tls/grease.js';
import { protocolNameList } from './hello-set-file.js';
import { JsonNode } from './hello-set-json.js';
import { digestOfHellos } from './hello-set.js';
import type { HelloDefinition, HelloExtension, HelloSet, HelloSituation } from './hello-set.js';

const MAX_PRESET_LENGTH = 1 << 20;
const MAX_PRESETS = 1000;

const FIELDS = [
  ...['Ciphers', 'CompressionMethods', 'RenegotiationInfo', 'SignatureAlgorithms', 'StatusRequest', 'Sct'],
  ...['SessionTicket', 'Alpn', 'EcPointFormats', 'PskKeyExchangeModes', 'SupportedVersions', 'SupportedGroups'],
  ...['RecordSizeLimit', 'Version', 'ExtendedMasterSecret', 'MaxFragmentLength', 'KeyShares', 'GreaseExtension'],
  'ReversedExtensionOrder',
];

/** Fields that do not show in a Client Hello: whether the client would renegotiate, and one that goscanner leaves unused. */
const UNSEEN_FIELDS = ['Renegotiation', 'Padding'];

/** RFC 8446 section 4.2.9. */
const PSK_DHE_KE = Uint8Array.of(1);

/** Loads a folder of presets. Throws ERR_HELLO_SET where there is none or one cannot be used. */
export function loadGoscannerHelloSet(folder: string): HelloSet {
  const fail = (reason: string): never => {
    throw new HellotapError('ERR_HELLO_SET', `${folder}: ${reason}`);
  };
  let files: string[];
  try {
    files = readdirSync(folder).filter((name) => name.endsWith('.json'));
  } catch (error) {
    return fail(systemReason(error));
  }
  if (files.length === 0) return fail('neither a hello-set.json nor presets of goscanner (*.json) are there');
  if (files.length > MAX_PRESETS) return fail(`more than ${MAX_PRESETS} presets`);
  const hellos = files.map((file) => loadPreset(join(folder, file), file.slice(0, -'.json'.length)));
  hellos.sort((a, b) => (a.name < b.name ? -1 : 1));
  const name = basename(resolve(folder)).toLowerCase();
  if (!/^[a-z0-9][a-z0-9._-]{0,63}$/.test(name)) return fail('the name of the folder cannot be the name of a set');
  return { name, title: name, license: '', source: 'presets of goscanner', digest: digestOfHellos(hellos), hellos };
}

function loadPreset(path: string, name: string): HelloDefinition {
  const fail = (reason: string): never => {
    throw new HellotapError('ERR_HELLO_SET', `${path}: ${reason}`);
  };
  if (!/^[A-Za-z0-9._-]{1,64}$/.test(name)) return fail('its name cannot be the name of a hello');
  let json: unknown;
  try {
    const text = readFileSync(path, 'utf8');
    if (text.length > MAX_PRESET_LENGTH) return fail(`longer than ${MAX_PRESET_LENGTH} bytes`);
    json = JSON.parse(text);
  } catch (error) {
    if (error instanceof HellotapError) throw error;
    return fail(error instanceof Error ? error.message : String(error));
  }
  return parsePreset(new JsonNode(json, path, '').object(FIELDS, UNSEEN_FIELDS), name);
}

function parsePreset(preset: JsonNode, name: string): HelloDefinition {
  const legacyVersion = preset.get('Version').integer(0, 0xffff);
  const groups = numbers(preset.get('SupportedGroups'));
  const keyShareGroups = sharesOf(groups, preset.get('KeyShares'));
  const extensions = extensionsOf(preset, groups);
  const reversed = preset.get('ReversedExtensionOrder').boolean();
  const order = (situation: HelloSituation): readonly HelloExtension[] =>
    reversed ? reverse(extensions.filter((extension) => isSent(extension, situation))) : extensions;
  return {
    name,
    recordVersion: Math.min(legacyVersion, ProtocolVersion.Tls12),
    legacyVersion,
    cipherSuites: numbers(preset.get('Ciphers')),
    compressionMethods: base64(preset.get('CompressionMethods')),
    extensions,
    order: {
      without_server_name: order('without_server_name'),
      with_server_name: order('with_server_name'),
      retry_without_server_name: order('retry_without_server_name'),
      retry_with_server_name: order('retry_with_server_name'),
    },
    keyShareGroups,
    supportedGroups: new Set(groups),
    offersAlpn: preset.get('Alpn').arrayOrNull().length > 0,
  };
}

/** The first so many groups that are not GREASE, and the GREASE groups before the first that is one too many. */
function sharesOf(groups: readonly number[], limit: JsonNode): number[] {
  let left = limit.integer(0, 0xffff);
  const shares: number[] = [];
  for (const group of groups) {
    if (!isGrease(group)) {
      if (left === 0) break;
      left -= 1;
      if (!SUPPORTED_GROUPS.has(group)) limit.fail(`no key share can be made for group ${group}`);
    }
    shares.push(group);
  }
  return shares;
}

/** In goscanner's order; a list that is empty and a number that is 0 have no extension. */
function extensionsOf(preset: JsonNode, groups: readonly number[]): HelloExtension[] {
  const extensions: HelloExtension[] = [];
  const add = (name: string, type: number, content: HelloExtension['content']): void => {
    extensions.push({ name, type, content });
  };
  const addData = (name: string, type: number, ...bytes: number[]): void => {
    add(name, type, { kind: 'opaque', data: Uint8Array.from(bytes) });
  };
  const addList = (name: string, type: number, lengthBytes: 1 | 2, values: readonly number[]): void => {
    if (values.length > 0) add(name, type, { kind: 'vector16', lengthBytes, values });
  };
  const addBytes = (name: string, type: number, bytes: Uint8Array): void => {
    if (bytes.length > 0) addData(name, type, bytes.length, ...bytes);
  };
  const has = (field: string): boolean => preset.get(field).boolean();

  add('server_name', ExtensionType.ServerName, { kind: 'server_name' });
  if (has('StatusRequest')) addData('status_request', ExtensionType.StatusRequest, 1, 0, 0, 0, 0);
  addList('supported_groups', ExtensionType.SupportedGroups, 2, groups);
  addBytes('ec_point_formats', ExtensionType.EcPointFormats, base64(preset.get('EcPointFormats')));
  if (has('SessionTicket')) addData('session_ticket', ExtensionType.SessionTicket);
  const schemes = numbers(preset.get('SignatureAlgorithms'));
  addList('signature_algorithms', ExtensionType.SignatureAlgorithms, 2, schemes);
  if (has('RenegotiationInfo')) addData('renegotiation_info', ExtensionType.RenegotiationInfo, 0);
  if (preset.get('Alpn').arrayOrNull().length > 0) {
    const data = protocolNameList(preset.get('Alpn'));
    const type = ExtensionType.ApplicationLayerProtocolNegotiation;
    add('application_layer_protocol_negotiation', type, { kind: 'opaque', data });
  }
  if (has('Sct')) addData('signed_certificate_timestamp', ExtensionType.SignedCertificateTimestamp);
  const versions = numbers(preset.get('SupportedVersions'));
  addList('supported_versions', ExtensionType.SupportedVersions, 1, versions);
  add('cookie', ExtensionType.Cookie, { kind: 'cookie' });
  add('key_share', ExtensionType.KeyShare, { kind: 'key_share' });
  const limit = preset.get('RecordSizeLimit').integer(0, 0xffff);
  if (limit > 0) addData('record_size_limit', ExtensionType.RecordSizeLimit, limit >> 8, limit & 0xff);
  const grease = preset.get('GreaseExtension').integer(0, 0xffff);
  if (grease > 0) addData(grease.toString(16).padStart(4, '0'), grease);
  // Go's crypto/tls allows for nothing but psk_dhe_ke where it might resume a session of TLS 1.3, its first choice.
  const modes = base64(preset.get('PskKeyExchangeModes'));
  const resumes = has('SessionTicket') && versions[0] === ProtocolVersion.Tls13;
  addBytes('psk_key_exchange_modes', ExtensionType.PskKeyExchangeModes, resumes ? PSK_DHE_KE : modes);
  const code = preset.get('MaxFragmentLength').integer(0, 255);
  if (code > 0) addData('max_fragment_length', ExtensionType.MaxFragmentLength, code);
  if (has('ExtendedMasterSecret')) addData('extended_master_secret', ExtensionType.ExtendedMasterSecret);
  return extensions;
}

function isSent({ name }: HelloExtension, situation: HelloSituation): boolean {
  if (name === 'server_name') return situation.endsWith('with_server_name');
  if (name === 'cookie') return situation.startsWith('retry');
  return true;
}

/**
 * goscanner's reversal: it swaps the entries i and n-1-i for every i but the last, and stops at one that is its own
 * counterpart. So an odd number is reversed, and of an even one, swapped back again, only the ends have changed places.
 */
function reverse<T>(items: readonly T[]): T[] {
  if (items.length % 2 === 1) return items.toReversed();
  const [first, ...rest] = items;
  const last = rest.pop();
  return first === undefined || last === undefined ? [...items] : [last, ...rest, first];
}

function numbers(node: JsonNode): number[] {
  return node.arrayOrNull().map((item) => item.integer(0, 0xffff));
}

/** Go's encoding/json writes bytes as padded standard base64. */
function base64(node: JsonNode): Uint8Array {
  const text = node.stringOrNull();
  const bytes = Buffer.from(text, 'base64');
  if (bytes.toString('base64') !== text) node.fail('is not base64');
  if (bytes.length > 255) node.fail('has more than 255 bytes');
  return new Uint8Array(bytes);
}
