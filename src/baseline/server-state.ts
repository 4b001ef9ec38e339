// Recording the state of a server and checking it against the recorded one: how often it is probed, and what comes of it.
// Knows neither sockets nor files: probing and waiting are handed in.
import type { Baseline, BaselineKey, StoredTrait } from '../database/baselines.js';
import type { ProbeOutcome, ProbeResult } from '../probe/probe-result.js';
import { compareTraits, isOpen } from './compare.js';
import { describeDeviation, type Change } from './describe.js';
import { ASPECTS, traitsOf, uniteTraits, type Aspect, type Trait } from './traits.js';

/**
 * `changed`: two probes or more showed what was not recorded. `unsteady`: one did, others did not. `incomplete`: all that
 * was seen is as recorded, but some Client Hellos had no answer. `unreachable`: none had.
 */
export type BaselineStatus = 'recorded' | 'unchanged' | 'changed' | 'unsteady' | 'incomplete' | 'unreachable';

/** What came of recording or checking one server. */
export interface BaselineReport {
  readonly server: BaselineKey;
  readonly status: BaselineStatus;
  /** When the state was recorded that the server was held against, seconds since 1970; null: there was none. */
  readonly recorded: number | null;
  /** How often the server was probed now. */
  readonly probes: number;
  /** What differs from the recorded state; after recording: from the one that was replaced. */
  readonly changes: readonly Change[];
  /** What a single probe showed otherwise. */
  readonly unsteady: readonly Change[];
  /** Client Hellos without an answer that had one. */
  readonly unanswered: readonly string[];
  /** Of an unreachable server: what became of most handshakes. */
  readonly reason: ProbeOutcome | null;
  /** The last probe that showed anything. */
  readonly result: ProbeResult | null;
}

/** Probes the server once more; null: the program stops. */
export type ProbeAgain = () => Promise<ProbeResult | null>;

/** What is recorded besides what every probe shows. */
export interface RecordOptions {
  /** Aspects to record. */
  readonly aspects: ReadonlySet<Aspect>;
  /** How often the server is probed: each state that it shows is recorded. */
  readonly probes: number;
  /** Seconds since 1970. */
  readonly now: number;
  /** The state that is replaced. */
  readonly previous: Baseline | null;
}

/** A server is probed this often before something is said that one probe alone shows. */
const MOST_PROBES = 3;

/** Records a server's state; the baseline is null where the server could not be reached. Null: the program stops. */
export async function recordState(
  server: BaselineKey,
  probe: ProbeAgain,
  { aspects, probes, now, previous }: RecordOptions,
): Promise<{ readonly report: BaselineReport; readonly baseline: Baseline | null } | null> {
  const seen: Trait[][] = [];
  let result: ProbeResult | null = null;
  let helloSet = { name: '', digest: '' };
  for (let round = 1; round <= probes; round++) {
    const next = await probe();
    if (next === null) return null;
    const traits = traitsOf(next).filter(({ aspect }) => aspects.has(aspect));
    if (traits.length === 0) {
      // Whoever cannot be reached is not asked again and again.
      if (result === null) return { report: unreachable(server, previous, round, next), baseline: null };
      continue;
    }
    seen.push(traits);
    result = next;
    helloSet = { name: next.helloSet, digest: next.helloSetDigest };
  }
  const isSameSet = previous?.helloSetDigest === helloSet.digest;
  const { changed, unsteady } = compareTraits(isSameSet ? readTraits(previous.traits) : [], seen);
  const baseline: Baseline = {
    server,
    helloSet: helloSet.name,
    helloSetDigest: helloSet.digest,
    recorded: now,
    probes,
    traits: uniteTraits(seen),
  };
  const report: BaselineReport = {
    server,
    status: 'recorded',
    recorded: previous?.recorded ?? null,
    probes,
    changes: [...changed, ...unsteady].flatMap(describeDeviation),
    unsteady: [],
    unanswered: [],
    reason: null,
    result,
  };
  return { report, baseline };
}

/**
 * Checks a server against its recorded state. What deviates is probed again, after `pause`, before anything is said of
 * it. Null: the program stops.
 */
export async function checkState(
  baseline: Baseline,
  probe: ProbeAgain,
  pause: () => Promise<void>,
): Promise<BaselineReport | null> {
  const { server } = baseline;
  const recorded = readTraits(baseline.traits);
  const seen: Trait[][] = [];
  let result: ProbeResult | null = null;
  for (;;) {
    const next = await probe();
    if (next === null) return null;
    const traits = traitsOf(next);
    seen.push(traits);
    if (traits.length > 0) result = next;
    const comparison = compareTraits(recorded, seen);
    if (result === null || comparison.compared === 0) return unreachable(server, baseline, seen.length, next);
    if (isOpen(comparison) && seen.length < MOST_PROBES) {
      await pause();
      continue;
    }
    const { changed, unsteady, unanswered } = comparison;
    return {
      server,
      status: statusOf(changed.length, unsteady.length, unanswered.length),
      recorded: baseline.recorded,
      probes: seen.length,
      changes: changed.flatMap(describeDeviation),
      unsteady: unsteady.flatMap(describeDeviation),
      unanswered,
      reason: null,
      result,
    };
  }
}

/** What a stored state asks to be found out, besides what every probe shows. */
export function aspectsOf(traits: readonly StoredTrait[]): ReadonlySet<Aspect> {
  return new Set(readTraits(traits).map(({ aspect }) => aspect));
}

/** Traits of an aspect that this program does not know (a newer one's) are passed over. */
function readTraits(traits: readonly StoredTrait[]): Trait[] {
  return traits.flatMap((trait) => {
    const aspect = ASPECTS.find((known) => known === trait.aspect);
    return aspect === undefined ? [] : [{ ...trait, aspect }];
  });
}

function statusOf(changed: number, unsteady: number, unanswered: number): BaselineStatus {
  if (changed > 0) return 'changed';
  if (unsteady > 0) return 'unsteady';
  return unanswered > 0 ? 'incomplete' : 'unchanged';
}

function unreachable(
  server: BaselineKey,
  baseline: Baseline | null,
  probes: number,
  { outcome }: ProbeResult,
): BaselineReport {
  const counts = new Map<ProbeOutcome, number>();
  for (const one of Object.values(outcome)) counts.set(one, (counts.get(one) ?? 0) + 1);
  const [most] = [...counts].sort((a, b) => b[1] - a[1]);
  return {
    server,
    status: 'unreachable',
    recorded: baseline?.recorded ?? null,
    probes,
    changes: [],
    unsteady: [],
    unanswered: [],
    reason: most?.[0] ?? null,
    result: null,
  };
}
