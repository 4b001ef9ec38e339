// When a verdict is worth an alarm: its C2 score reaches the threshold. Once per server and key (certificate, address, …)
// within a while, because one beacon makes thousands of flows; what was raised is remembered under a bound.
import { LRUCache } from 'lru-cache';
import type { LabelledKey, Verdict, VerdictLabel } from '../match/verdict.js';
import type { C2AlertEvent, FlowIdentity, TlsFields } from '../output/event.js';
import { printable } from '../output/printable.js';
import { alertFields } from './alert-fields.js';

/** Suricata's own words for its class command-and-control. */
const CATEGORY = 'Malware Command and Control Activity Detected';

/** What is on the list, its id (local ids of Suricata's are 1,000,000 and up), and how grave that is. */
const SIGNATURES: Readonly<Record<LabelledKey, { id: number; what: string; severity: 1 | 2 }>> = {
  stack: { id: 1_990_001, what: 'TLS stack fingerprint of known C2 servers', severity: 1 },
  endpoint: { id: 1_990_002, what: 'address and port on a block list', severity: 1 },
  'cert-sha1': { id: 1_990_003, what: 'certificate on a block list', severity: 1 },
  jarm: { id: 1_990_004, what: 'JARM of known C2 servers', severity: 1 },
  // Many harmless programs share what these stand on.
  ja3s: { id: 1_990_005, what: 'JA3S of known C2 servers', severity: 2 },
  ja3: { id: 1_990_006, what: 'JA3 of known malware', severity: 2 },
};

/** How long an alarm is not raised again, and how many are remembered. */
const QUIET_MS = 3_600_000;
const REMEMBERED = 65_536;

export interface C2AlertOptions {
  /** C2 score from which a server is an alarm. */
  readonly threshold: number;
  readonly quietMs?: number;
  readonly remembered?: number;
  /** Milliseconds, never going back. */
  readonly now?: () => number;
}

export class C2Alerts {
  /** `raised`: alarms that went out; `repeated`: those that had gone out already. */
  readonly counters = { raised: 0, repeated: 0 };
  readonly #threshold: number;
  readonly #quietMs: number;
  readonly #now: () => number;
  readonly #raised: LRUCache<string, number>;

  constructor({ threshold, quietMs = QUIET_MS, remembered = REMEMBERED, now }: C2AlertOptions) {
    this.#threshold = threshold;
    this.#quietMs = quietMs;
    this.#now = now ?? ((): number => performance.now());
    // By size: room is made when it is needed.
    this.#raised = new LRUCache({ maxSize: remembered, sizeCalculation: () => 1 });
  }

  /** The alarm that a flow's verdict calls for, or null. @param tls null where the verdict came after the flow */
  alertOf(
    verdict: Verdict,
    identity: FlowIdentity,
    timestamp: string,
    sni: string | null,
    tls: TlsFields | null,
  ): C2AlertEvent | null {
    const score = verdict.c2_score ?? null;
    if (score === null || score < this.#threshold) return null;
    const key = verdict.c2?.key ?? 'stack';
    if (!this.#isNew(`${identity.dest_ip} ${identity.dest_port} ${key}`)) return null;
    const { id, what, severity } = SIGNATURES[key];
    const label = accusing(verdict.labels ?? [], key);
    return {
      timestamp,
      event_type: 'alert',
      ...identity,
      alert: alertFields({
        id,
        signature: `hellotap C2: ${what}${label === null ? '' : ` (${printable(label.name)})`}`,
        category: CATEGORY,
        severity,
      }),
      ...(tls === null ? {} : { tls }),
      hellotap: {
        sni,
        c2_score: score,
        ...(verdict.c2 === undefined ? {} : { c2: verdict.c2 }),
        source: label?.source ?? null,
        verdict,
      },
    };
  }

  #isNew(key: string): boolean {
    const now = this.#now();
    const last = this.#raised.get(key);
    if (last !== undefined && now - last < this.#quietMs) {
      this.counters.repeated++;
      return false;
    }
    this.#raised.set(key, now);
    this.counters.raised++;
    return true;
  }
}

/** The label that says what the server is accused of: the first of kind c2 on the key, else the key's first. */
function accusing(labels: readonly VerdictLabel[], key: LabelledKey): VerdictLabel | null {
  const own = labels.filter((label) => label.key === key);
  return own.find((label) => label.kind === 'c2') ?? own[0] ?? null;
}
