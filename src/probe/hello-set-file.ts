// Reads a hello set from our own format (samples/hello-sets/README.md documents it): one JSON file, checked field by field.
// Every fault is an ERR_HELLO_SET that names the field. goscanner's folders of presets: goscanner-hello-set.ts.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { HellotapError } from '../errors.js';
import { systemReason } from '../system-reason.js';
import { ExtensionType } from '../tls/constants.js';
import { JsonNode, parseCode16 } from './hello-set-json.js';
import { GREASE, HELLO_SITUATIONS, digestOfHellos } from './hello-set.js';
import type { CodePoint, HelloDefinition, HelloExtension, HelloSet, HelloSituation } from './hello-set.js';
import { isGrease } from '../tls/grease.js';
import { SUPPORTED_GROUPS } from '../tls/crypto/key-exchange.js';

export const HELLO_SET_FILE = 'hello-set.json';
const FORMAT = 'hellotap-hello-set/1';
const MAX_FILE_LENGTH = 1 << 20;

/** Loads `hello-set.json` of a folder. Throws ERR_HELLO_SET where there is none or where it cannot be used. */
export function loadHelloSet(directory: string): HelloSet {
  const path = join(directory, HELLO_SET_FILE);
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new HellotapError('ERR_HELLO_SET', `${path}: ${systemReason(error)}`);
  }
  return parseHelloSet(text, path);
}

/** Parses the text of a hello set; `path` is for messages. Throws ERR_HELLO_SET. */
export function parseHelloSet(text: string, path: string): HelloSet {
  if (text.length > MAX_FILE_LENGTH)
    throw new HellotapError('ERR_HELLO_SET', `${path}: longer than ${MAX_FILE_LENGTH} bytes`);
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new HellotapError(
      'ERR_HELLO_SET',
      `${path}: not JSON: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
  const set = new JsonNode(json, path, '').object(['format', 'name', 'title', 'license', 'source', 'hellos']);
  const format = set.get('format').string();
  if (format !== FORMAT) set.get('format').fail(`"${format}" is not a format of this version (${FORMAT})`);
  const name = set.get('name').string();
  if (!/^[a-z0-9][a-z0-9._-]{0,63}$/.test(name))
    set.get('name').fail(`"${name}" is not a name (a-z, 0-9, dot, dash, underscore)`);
  const hellos = set
    .get('hellos')
    .members()
    .map(([helloName, node]) => parseHello(helloName, node));
  if (hellos.length === 0) set.get('hellos').fail('is empty');
  hellos.sort((a, b) => (a.name < b.name ? -1 : 1));
  return {
    name,
    title: set.get('title').string(),
    license: set.get('license').string(),
    source: set.get('source').string(),
    digest: digestOfHellos(hellos),
    hellos,
  };
}

function parseHello(name: string, node: JsonNode): HelloDefinition {
  if (!/^[A-Za-z0-9._-]{1,64}$/.test(name)) node.fail('is not a name (letters, digits, dot, dash, underscore)');
  const hello = node.object(
    ['record_version', 'legacy_version', 'cipher_suites', 'compression_methods', 'extensions'],
    ['order'],
  );
  const extensions: HelloExtension[] = [];
  let keyShareGroups: readonly CodePoint[] = [];
  let supportedGroups: readonly CodePoint[] = [];
  let offersAlpn = false;
  for (const entry of hello.get('extensions').array()) {
    const type = entry.text('type');
    if (extensions.some((extension) => extension.name === type)) entry.fail(`"${type}" comes twice`);
    const content = (CONTENTS[type] ?? otherContent)(entry, type);
    extensions.push(content);
    if (type === 'key_share') keyShareGroups = entry.get('groups').codePoints();
    if (type === 'supported_groups') supportedGroups = entry.get('groups').codePoints();
    if (type === 'application_layer_protocol_negotiation') offersAlpn = true;
  }
  for (const group of keyShareGroups) {
    if (group !== GREASE && !isGrease(group) && !SUPPORTED_GROUPS.has(group)) {
      node.fail(`no key share can be made for group ${group.toString(16).padStart(4, '0')}`);
    }
  }
  return {
    name,
    recordVersion: hello.get('record_version').code16(),
    legacyVersion: hello.get('legacy_version').code16(),
    cipherSuites: hello.get('cipher_suites').codePoints(),
    compressionMethods: hello.get('compression_methods').bytes(),
    extensions,
    order: parseOrder(hello, extensions),
    keyShareGroups,
    supportedGroups: new Set(supportedGroups.filter((group) => group !== GREASE)),
    offersAlpn,
  };
}

/** Without `order` every hello goes out in the order of `extensions`. */
function parseOrder(hello: JsonNode, extensions: readonly HelloExtension[]): HelloDefinition['order'] {
  if (!hello.has('order')) {
    const listed = (): readonly HelloExtension[] => extensions;
    return record(listed);
  }
  const order = hello.get('order').object(HELLO_SITUATIONS);
  return record((situation) => {
    const list = order.get(situation);
    const ordered = list.array().map((item) => {
      const name = item.string();
      return (
        extensions.find((extension) => extension.name === name) ?? item.fail(`"${name}" is not among the extensions`)
      );
    });
    if (new Set(ordered).size !== ordered.length) list.fail('names an extension twice');
    for (const { name } of extensions) {
      const optional = name === 'server_name' || name === 'cookie';
      if (!optional && !ordered.some((extension) => extension.name === name)) list.fail(`leaves "${name}" out`);
    }
    return ordered;
  });
}

function record(value: (situation: HelloSituation) => readonly HelloExtension[]): HelloDefinition['order'] {
  return {
    without_server_name: value('without_server_name'),
    with_server_name: value('with_server_name'),
    retry_without_server_name: value('retry_without_server_name'),
    retry_with_server_name: value('retry_with_server_name'),
  };
}

type ParseContent = (entry: JsonNode, name: string) => HelloExtension;

function slot(type: number, kind: 'server_name' | 'cookie'): ParseContent {
  return (entry, name) => {
    entry.object(['type']);
    return { name, type, content: { kind } };
  };
}

function opaque(type: number, field: string | null, encode: (value: JsonNode) => Uint8Array): ParseContent {
  return (entry, name) => {
    const value = field === null ? entry.object(['type']) : entry.object(['type', field]).get(field);
    return { name, type, content: { kind: 'opaque', data: encode(value) } };
  };
}

function vector16(type: number, field: string, lengthBytes: 1 | 2): ParseContent {
  return (entry, name) => {
    const values = entry.object(['type', field]).get(field).codePoints();
    return { name, type, content: { kind: 'vector16', lengthBytes, values } };
  };
}

function vector8(bytes: Uint8Array): Uint8Array {
  return Uint8Array.from([bytes.length, ...bytes]);
}

const empty = (): Uint8Array => new Uint8Array(0);

/** The extensions that the format knows by name, with the field that holds their value. */
const CONTENTS: Readonly<Record<string, ParseContent>> = {
  server_name: slot(ExtensionType.ServerName, 'server_name'),
  cookie: slot(ExtensionType.Cookie, 'cookie'),
  key_share: (entry, name) => {
    entry.object(['type', 'groups']);
    return { name, type: ExtensionType.KeyShare, content: { kind: 'key_share' } };
  },
  max_fragment_length: opaque(ExtensionType.MaxFragmentLength, 'code', (code) => Uint8Array.of(code.integer(0, 255))),
  // RFC 6066 section 8: OCSP, no responder ids, no extensions.
  status_request: opaque(ExtensionType.StatusRequest, null, () => Uint8Array.of(1, 0, 0, 0, 0)),
  supported_groups: vector16(ExtensionType.SupportedGroups, 'groups', 2),
  ec_point_formats: opaque(ExtensionType.EcPointFormats, 'formats', (formats) => vector8(formats.bytes())),
  signature_algorithms: vector16(ExtensionType.SignatureAlgorithms, 'schemes', 2),
  heartbeat: opaque(ExtensionType.Heartbeat, 'mode', (mode) => Uint8Array.of(mode.integer(0, 255))),
  application_layer_protocol_negotiation: opaque(
    ExtensionType.ApplicationLayerProtocolNegotiation,
    'protocols',
    (protocols) => protocolNameList(protocols),
  ),
  signed_certificate_timestamp: opaque(ExtensionType.SignedCertificateTimestamp, null, empty),
  encrypt_then_mac: opaque(ExtensionType.EncryptThenMac, null, empty),
  extended_master_secret: opaque(ExtensionType.ExtendedMasterSecret, null, empty),
  record_size_limit: opaque(ExtensionType.RecordSizeLimit, 'limit', (limit) => {
    const value = limit.integer(0, 0xffff);
    return Uint8Array.of(value >> 8, value & 0xff);
  }),
  session_ticket: opaque(ExtensionType.SessionTicket, null, empty),
  supported_versions: vector16(ExtensionType.SupportedVersions, 'versions', 1),
  psk_key_exchange_modes: opaque(ExtensionType.PskKeyExchangeModes, 'modes', (modes) => vector8(modes.bytes())),
  // RFC 5746 section 3.2: an empty renegotiated_connection, as in every first handshake.
  renegotiation_info: opaque(ExtensionType.RenegotiationInfo, null, () => Uint8Array.of(0)),
};

/** `grease`, or an extension given by its number (four hexadecimal digits), with its data as it stands on the wire. */
const otherContent: ParseContent = (entry, name) => {
  const data = entry.object(['type', 'data']).get('data').bytes();
  if (name === GREASE) return { name, type: GREASE, content: { kind: 'opaque', data } };
  const type =
    parseCode16(name) ?? entry.fail(`"${name}" is neither the name of an extension nor four hexadecimal digits`);
  return { name, type, content: { kind: 'opaque', data } };
};

/** ProtocolNameList of a list of names. RFC 7301 section 3.1. */
export function protocolNameList(node: JsonNode): Uint8Array {
  const names = node.array().map((item) => {
    const name = item.string();
    if (name.length === 0 || name.length > 255 || !/^[\x20-\x7e]+$/.test(name))
      item.fail('is not a protocol name (1 to 255 ASCII characters)');
    return Buffer.from(name, 'latin1');
  });
  const length = names.reduce((sum, name) => sum + 1 + name.length, 0);
  const out = Buffer.alloc(2 + length);
  out.writeUInt16BE(length, 0);
  let at = 2;
  for (const name of names) {
    out[at] = name.length;
    out.set(name, at + 1);
    at += 1 + name.length;
  }
  return new Uint8Array(out);
}
