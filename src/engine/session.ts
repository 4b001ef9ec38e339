// One run: database, matcher, prober and engine, put together and taken apart again.
import { stackText } from '../database/fingerprints.js';
import type { Store } from '../database/store.js';
import { Matcher } from '../match/matcher.js';
import type { EventSink } from '../output/event.js';
import type { HelloSet } from '../probe/hello-set.js';
import type { KeyLog } from '../tls/key-log.js';
import { C2Alerts } from './c2-alerts.js';
import { Drift } from './drift.js';
import { Engine, type ProbePort } from './engine.js';
import { ProbeRecorder } from './probe-recorder.js';

const BUSY_TIMEOUT_MS = 50;

export interface SessionOptions {
  /** Closed with the session. */
  readonly store: Store;
  readonly sink: EventSink;
  /** Null: no probing. */
  readonly probes: ProbePort | null;
  readonly retryAfterMs: number;
  /** C2 score from which a server is an alarm. */
  readonly c2Threshold: number;
  /** Observations on lists that a fingerprint needs to have a score. */
  readonly minObservations: number;
  /** The Client Hellos that fingerprints are answers to; asked for when it is first needed. */
  readonly helloSet: () => HelloSet;
  readonly warn: (text: string) => void;
  /** Secrets of the connections that are watched. */
  readonly keyLog?: KeyLog | null;
}

export interface Session {
  readonly engine: Engine;
  readonly matcher: Matcher;
  /** Counters by room, for `stats` events. */
  stats(): Record<string, Record<string, number>>;
  close(): void;
}

export function openSession(options: SessionOptions): Session {
  const { store } = options;
  // While one waits for another process's import, no packet is read: the recorder comes back later instead.
  store.setPatience(BUSY_TIMEOUT_MS);
  const recorder = new ProbeRecorder(store);
  const alerts = new C2Alerts({ threshold: options.c2Threshold });
  const matcher = new Matcher(store, { minObservations: options.minObservations });
  const drift = new Drift({
    helloSet: options.helloSet,
    textOf: (helloSet, id) => stackText(store, helloSet, id),
    retryAfterMs: options.retryAfterMs,
  });
  const engine = new Engine({
    verdicts: matcher,
    probes: options.probes,
    keyLog: options.keyLog ?? null,
    store: recorder,
    sink: options.sink,
    now: () => Date.now() * 1000,
    warn: options.warn,
    retryAfterMs: options.retryAfterMs,
    alerts,
    drift,
  });
  return {
    engine,
    matcher,
    stats: () => ({
      engine: { ...engine.counters, probing: engine.probing },
      quic: { ...engine.quic.counters },
      matcher: { ...matcher.counters },
      recorder: { ...recorder.counters, waiting: recorder.waiting },
      alerts: { ...alerts.counters },
      drift: { ...drift.counters },
      anomalies: engine.anomalies.counts(),
    }),
    close: () => {
      store.close();
    },
  };
}
