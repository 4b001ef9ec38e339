// Indicators as a MISP event (MISP core format, draft-dulaunoy-misp-core-format): one attribute each, for "Add event, populate
// from JSON" or a feed. Ids follow from what they name, so that an event that comes again updates the one that is there.

import { addressText } from './address.js';
import { splitEndpoint } from './fingerprint-key.js';
import type { Indicator } from './indicators.js';
import { uuid5 } from './uuid5.js';

/** Ours, made once at random: what our names of MISP's things are told apart by. */
const NAMESPACE = '0bd5e07a-6a0c-4c3b-8f3e-3f2b7f2f3c51';

export interface MispOptions {
  /** The event's `info`; its id follows from it. */
  readonly title: string;
  /** Seconds since 1970. */
  readonly now: number;
}

/** The event as JSON text, in pieces. */
export function* mispPieces(indicators: Iterable<Indicator>, { title, now }: MispOptions): Generator<string> {
  const event = {
    uuid: uuid5(NAMESPACE, `event ${title}`),
    info: title,
    date: new Date(now * 1000).toISOString().slice(0, 10),
    timestamp: String(now),
    // 4: undefined; 2: completed; 0: your organisation only, who shares more has to say so.
    threat_level_id: '4',
    analysis: '2',
    distribution: '0',
    published: false,
  };
  // The event's members, open for one more.
  yield `{"Event":${JSON.stringify(event).slice(0, -1)},"Attribute":[`;
  let separator = '\n';
  for (const indicator of indicators) {
    yield separator + JSON.stringify(attributeOf(indicator, now));
    separator = ',\n';
  }
  yield '\n]}}\n';
}

function attributeOf(indicator: Indicator, now: number): object {
  const { type, value, meaning } = valueOf(indicator);
  const { labels, sources, lists, score, firstSeen, lastSeen } = indicator;
  const said = [
    ...(meaning === null ? [] : [meaning]),
    ...(labels.length === 0 ? [] : [labels.join(', ')]),
    `C2 score ${score.toFixed(3)} (${lists.blocklist} observations on block lists, ${lists.toplist} on top lists)`,
    ...(sources.length === 0 ? [] : [`from ${sources.join(', ')}`]),
  ];
  return {
    uuid: uuid5(NAMESPACE, `attribute ${indicator.key}`),
    type,
    category: 'Network activity',
    value,
    // What sensors can match by themselves.
    to_ids: type !== 'text',
    comment: said.join('; '),
    distribution: '5',
    timestamp: String(now),
    ...(firstSeen === null ? {} : { first_seen: mispTime(firstSeen) }),
    ...(lastSeen === null ? {} : { last_seen: mispTime(lastSeen) }),
  };
}

/** MISP has no types for JA3S and for stack fingerprints: a text, with its meaning in the comment. */
function valueOf({ kind, digest, key }: Indicator): { type: string; value: string; meaning: string | null } {
  const hex = Buffer.from(digest).toString('hex');
  switch (kind) {
    case 'jarm':
      return { type: 'jarm-fingerprint', value: hex, meaning: null };
    case 'ja3':
      return { type: 'ja3-fingerprint-md5', value: hex, meaning: null };
    case 'cert-sha1':
      return { type: 'x509-fingerprint-sha1', value: hex, meaning: null };
    case 'endpoint': {
      const { address, port } = splitEndpoint(digest);
      return { type: 'ip-dst|port', value: `${addressText(address)}|${port}`, meaning: null };
    }
    case 'ja3s':
      return { type: 'text', value: key, meaning: 'JA3S' };
    default:
      return { type: 'text', value: hex, meaning: `TLS stack fingerprint (${kind})` };
  }
}

function mispTime(seconds: number): string {
  return new Date(seconds * 1000).toISOString().replace('Z', '000+00:00');
}
