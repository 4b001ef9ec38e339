// Counts handshakes that a server's stored fingerprint cannot explain: each is a suspicion, enough of them are worth an
// alarm and one new probe. What was said of a shape of handshake is remembered, as is each server under suspicion.
import { LRUCache } from 'lru-cache';
import type { ServerKey } from '../database/server-key.js';
import type { KnownVerdict } from '../match/verdict.js';
import type { ContradictionAlertEvent, FlowIdentity, TlsFields } from '../output/event.js';
import type { HelloSet } from '../probe/hello-set.js';
import { selectedGroup, selectedVersion } from '../tls/server-hello.js';
import { alertFields } from './alert-fields.js';
import { choiceOf, Expectations, offerOf, storedHandshakes } from './contradiction.js';
import type { TlsFlow } from './tls-flow.js';

export interface DriftOptions {
  /** The Client Hellos that stored fingerprints are answers to; asked for when it is first needed. */
  readonly helloSet: () => HelloSet;
  /** The combined text of a fingerprint of a set; null: not known. */
  readonly textOf: (helloSet: string, fingerprintId: string) => string | null;
  /** Suspicions that make an alarm and a new probe (default 3). */
  readonly threshold?: number;
  /** How long an alarm is not raised again (default an hour). */
  readonly quietMs?: number;
  /** How long a server is not probed again for this reason. */
  readonly retryAfterMs: number;
  /** Milliseconds, never going back. */
  readonly now?: () => number;
}

/** What is to be done about a handshake that contradicts. */
export interface Suspicion {
  /** What cannot be explained, one reason for each rule. */
  readonly reasons: readonly string[];
  /** Suspicions of this server so far. */
  readonly count: number;
  readonly alarm: boolean;
  /** Whether a new probe is due; say `probed` when it has begun. */
  readonly probe: boolean;
}

interface Suspect {
  readonly fingerprintId: string;
  count: number;
  alarmedAt: number;
  probedAt: number;
}

const THRESHOLD = 3;
const QUIET_MS = 3_600_000;
/** Servers under suspicion, fingerprints, and shapes of handshakes that are remembered. */
const MOST_SUSPECTS = 65_536;
const MOST_FINGERPRINTS = 4_096;
const MOST_SHAPES = 65_536;

const NO_REASONS: readonly string[] = [];

export class Drift {
  /** `judged`: handshakes held against a fingerprint; `suspicions`: those that contradict it; alarms and probes. */
  readonly counters = { judged: 0, suspicions: 0, alarms: 0, probes: 0 };
  readonly #options: DriftOptions;
  readonly #now: () => number;
  readonly #suspects = sized<Suspect>(MOST_SUSPECTS);
  readonly #expectations = sized<{ readonly of: Expectations | null }>(MOST_FINGERPRINTS);
  readonly #shapes = sized<readonly string[]>(MOST_SHAPES);
  #helloSet: HelloSet | null = null;

  constructor(options: DriftOptions) {
    this.#options = options;
    this.#now = options.now ?? ((): number => performance.now());
  }

  /** Null where nothing speaks against the handshake, or where it cannot be judged (resumed, cut off, ECH). */
  suspicion(flow: TlsFlow, fields: TlsFields, { fingerprint_id: fingerprintId }: KnownVerdict): Suspicion | null {
    const reasons = this.#reasons(flow, fields, fingerprintId);
    if (reasons.length === 0) return null;
    this.counters.suspicions++;
    const { threshold = THRESHOLD, quietMs = QUIET_MS, retryAfterMs } = this.#options;
    const key = keyOf(flow.server);
    let suspect = this.#suspects.get(key);
    if (suspect?.fingerprintId !== fingerprintId) {
      // A new fingerprint is a new beginning, but for the probe that has just been made.
      suspect = { fingerprintId, count: 0, alarmedAt: -Infinity, probedAt: suspect?.probedAt ?? -Infinity };
      this.#suspects.set(key, suspect);
    }
    suspect.count++;
    const now = this.#now();
    const isEnough = suspect.count >= threshold;
    const alarm = isEnough && now - suspect.alarmedAt >= quietMs;
    if (alarm) {
      suspect.alarmedAt = now;
      this.counters.alarms++;
    }
    return { reasons, count: suspect.count, alarm, probe: isEnough && now - suspect.probedAt >= retryAfterMs };
  }

  /** A new probe of the server has begun. */
  probed(server: ServerKey): void {
    const suspect = this.#suspects.get(keyOf(server));
    if (suspect === undefined) return;
    suspect.probedAt = this.#now();
    this.counters.probes++;
  }

  #reasons(
    { clientHello, serverHello, resumed }: TlsFlow,
    fields: TlsFields,
    fingerprintId: string,
  ): readonly string[] {
    // A resumed session keeps what was chosen when it began.
    if (clientHello === null || serverHello === null || resumed !== false) return NO_REASONS;
    const expectations = this.#expectationsOf(fingerprintId);
    if (expectations === null) return NO_REASONS;
    this.counters.judged++;
    const versions = clientHello.supportedVersions?.join() ?? '';
    const chosen = `${selectedVersion(serverHello)} ${selectedGroup(serverHello) ?? ''}`;
    const shape = `${fingerprintId} ${fields.ja3?.hash ?? ''} ${versions} ${fields.ja3s?.hash ?? ''} ${chosen}`;
    const known = fields.ja3 === undefined ? undefined : this.#shapes.get(shape);
    if (known !== undefined) return known;
    const offer = offerOf(clientHello);
    const reasons = offer === null ? NO_REASONS : expectations.contradictions(offer, choiceOf(serverHello));
    this.#shapes.set(shape, reasons);
    return reasons;
  }

  #expectationsOf(fingerprintId: string): Expectations | null {
    let known = this.#expectations.get(fingerprintId);
    if (known === undefined) {
      this.#helloSet ??= this.#options.helloSet();
      const text = this.#options.textOf(this.#helloSet.name, fingerprintId);
      const handshakes = text === null ? null : storedHandshakes(text, this.#helloSet);
      known = { of: handshakes === null || handshakes.length === 0 ? null : new Expectations(handshakes) };
      this.#expectations.set(fingerprintId, known);
    }
    return known.of;
  }
}

/** Next to those of c2-alerts.ts and baseline-events.ts. */
const SIGNATURE_ID = 1_990_021;

/** @param verdict with its contradictions in it */
export function contradictionAlert(
  { reasons, count }: Suspicion,
  verdict: KnownVerdict,
  identity: FlowIdentity,
  timestamp: string,
  tls: TlsFields,
): ContradictionAlertEvent {
  return {
    timestamp,
    event_type: 'alert',
    ...identity,
    alert: alertFields({
      id: SIGNATURE_ID,
      signature: `hellotap drift: ServerHello contradicts the stored fingerprint (${reasons[0] ?? ''})`,
      category: 'Potentially Bad Traffic',
      severity: 2,
    }),
    tls,
    hellotap: { sni: tls.sni ?? null, suspicions: count, verdict },
  };
}

/** By size: room is made when it is needed. */
function sized<T extends object>(maxSize: number): LRUCache<string, T> {
  return new LRUCache<string, T>({ maxSize, sizeCalculation: () => 1 });
}

function keyOf({ address, port, serverName }: ServerKey): string {
  return `${address} ${port} ${serverName ?? ''}`;
}
