// Indicators as a STIX 2.1 bundle (OASIS Standard, 10 June 2021): an indicator each, and the malware that it indicates. What STIX
// has no property for (JA3, JA3S, JARM, stack fingerprints) is a property of network-traffic by an extension, as its
// section 7.3 says. Ids follow from what they name: the same database gives the same objects.

import { addressText } from './address.js';
import { splitEndpoint } from './fingerprint-key.js';
import type { Indicator } from './indicators.js';
import { timeText } from './time-text.js';
import { uuid5 } from './uuid5.js';

/** Ours, made once at random. STIX keeps a namespace of its own for observables (section 2.9), of which there are none here. */
const NAMESPACE = '8c9d4f06-5b1e-4d0a-9d0f-6f7a1f6d2b83';
/** When what never changes was first said. */
const ORIGIN = '2026-01-01T00:00:00.000Z';

const id = (type: string, name: string): string => `${type}--${uuid5(NAMESPACE, `${type} ${name}`)}`;

const COMMON = { spec_version: '2.1' } as const;
const AUTHOR = {
  ...COMMON,
  type: 'identity',
  id: id('identity', 'hellotap'),
  created: ORIGIN,
  modified: ORIGIN,
  name: 'hellotap',
  identity_class: 'system',
};
const EXTENSION = {
  ...COMMON,
  type: 'extension-definition',
  id: id('extension-definition', 'tls fingerprints'),
  created_by_ref: AUTHOR.id,
  created: ORIGIN,
  modified: ORIGIN,
  name: 'TLS fingerprints of network-traffic',
  schema:
    'Properties of network-traffic, each optional and a string. ja3, ja3s: MD5 in 32 hexadecimal digits, lower case. ' +
    'jarm: 62 hexadecimal digits, lower case. stack_fingerprint: the first 32 hexadecimal digits of the SHA-256 of the ' +
    'combined text that TUM goscanner writes; hello_set: the name of its Client Hellos.',
  version: '1.0.0',
  extension_types: ['property-extension'],
};

/** The bundle as JSON text, in pieces. @param now in seconds since 1970: since when what has no date is valid */
export function* stixPieces(indicators: Iterable<Indicator>, now: number): Generator<string> {
  yield `{"type":"bundle","id":"${id('bundle', timeText(now))}","objects":[\n`;
  yield [AUTHOR, EXTENSION].map((one) => JSON.stringify(one)).join(',\n');
  const families = new Set<string>();
  for (const indicator of indicators) {
    const object = indicatorObject(indicator, now);
    yield `,\n${JSON.stringify(object)}`;
    for (const name of indicator.labels) {
      const malware = id('malware', name);
      if (!families.has(malware)) {
        families.add(malware);
        yield `,\n${JSON.stringify(malwareObject(malware, name))}`;
      }
      yield `,\n${JSON.stringify(relationship(object, malware))}`;
    }
  }
  yield '\n]}\n';
}

interface IndicatorObject {
  readonly id: string;
  readonly created: string;
  readonly modified: string;
  readonly [property: string]: unknown;
}

function indicatorObject(indicator: Indicator, now: number): IndicatorObject {
  const { kind, key, labels, sources, lists, score } = indicator;
  const first = stixTime(indicator.firstSeen ?? indicator.lastSeen ?? now);
  const { blocklist, toplist } = lists;
  return {
    ...COMMON,
    type: 'indicator',
    id: id('indicator', key),
    created_by_ref: AUTHOR.id,
    created: first,
    modified: stixTime(indicator.lastSeen ?? indicator.firstSeen ?? now),
    name: `${labels.length === 0 ? 'C2 server' : labels.join(', ')}: ${KIND_NAMES[kind] ?? `stack fingerprint (${kind})`}`,
    description:
      `Seen ${blocklist} times on block lists${sources.length === 0 ? '' : ` (${sources.join(', ')})`} and ${toplist} times ` +
      'on top lists; an observation is one server in one week.',
    indicator_types: ['malicious-activity'],
    pattern: patternOf(indicator),
    pattern_type: 'stix',
    pattern_version: '2.1',
    valid_from: first,
    // 0 to 100: the C2 score in percent.
    confidence: Math.round(score * 100),
  };
}

const KIND_NAMES: Readonly<Record<string, string>> = {
  jarm: 'JARM',
  ja3s: 'JA3S',
  ja3: 'JA3',
  'cert-sha1': 'certificate',
  endpoint: 'address and port',
};

/** Patterns hold hexadecimal digits, addresses and names of hello sets only; quotes are escaped all the same. */
function patternOf({ kind, digest }: Indicator): string {
  const hex = Buffer.from(digest).toString('hex');
  const property = (name: string, value: string): string =>
    `network-traffic:extensions.'${EXTENSION.id}'.${name} = ${quoted(value)}`;
  switch (kind) {
    case 'jarm':
    case 'ja3':
    case 'ja3s':
      return `[${property(kind, hex)}]`;
    case 'cert-sha1':
      return `[x509-certificate:hashes.'SHA-1' = ${quoted(hex)}]`;
    case 'endpoint': {
      const { address, port } = splitEndpoint(digest);
      const type = address.length === 4 ? 'ipv4-addr' : 'ipv6-addr';
      return (
        `[network-traffic:dst_ref.type = '${type}' AND network-traffic:dst_ref.value = ${quoted(addressText(address))} ` +
        `AND network-traffic:dst_port = ${port}]`
      );
    }
    default:
      return `[${property('stack_fingerprint', hex)} AND ${property('hello_set', kind)}]`;
  }
}

function quoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}

function malwareObject(malware: string, name: string): object {
  return {
    ...COMMON,
    type: 'malware',
    id: malware,
    created_by_ref: AUTHOR.id,
    created: ORIGIN,
    modified: ORIGIN,
    name,
    is_family: true,
  };
}

function relationship({ id: from, created, modified }: IndicatorObject, malware: string): object {
  return {
    ...COMMON,
    type: 'relationship',
    id: id('relationship', `${from} indicates ${malware}`),
    created_by_ref: AUTHOR.id,
    created,
    modified,
    relationship_type: 'indicates',
    source_ref: from,
    target_ref: malware,
  };
}

/** RFC 3339 with milliseconds (section 3.16 of the standard). */
function stixTime(seconds: number): string {
  return new Date(seconds * 1000).toISOString();
}
