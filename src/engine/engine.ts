// Joins the rooms: each flow is tagged at once with what is known of its server; a new server is probed once, however
// many flows ask; the late verdict goes out as `tag` events. Effects are the sink, the database and the prober alone.
import { FlowBatch } from '../capture/flow-batch.js';
import { ANSWER_STATUSES, Stop } from '../capture/teller.js';
import type { CaptureRecord, FlowRecord, QuicRecord, SecretsRecord } from '../capture/flow-record.js';
import type { ServerKey } from '../database/server-key.js';
import type { PassiveKeys, Standing } from '../match/matcher.js';
import type {
  KnownAnyway,
  KnownVerdict,
  UnknownVerdict,
  UnprobedReason,
  UnprobedVerdict,
  Verdict,
} from '../match/verdict.js';
import type { EventInput, EventSink, FlowIdentity, TlsFields } from '../output/event.js';
import { FlowEvent, tlsFields } from '../output/flow-event.js';
import { formatTimestamp } from '../output/timestamp.js';
import type { SeenHandshake } from '../probe/gate.js';
import type { ProbeResult, ProbeTarget } from '../probe/probe-result.js';
import type { KeyLog } from '../tls/key-log.js';
import { AnomalyLog } from './anomaly-log.js';
import type { C2Alerts } from './c2-alerts.js';
import { contradictionAlert, type Drift, type Suspicion } from './drift.js';
import { fingerprintEvent, flowIdentity } from './flow-events.js';
import { FlowLines, type StandingVerdicts, type Stopped } from './flow-lines.js';
import { FlowReader, type SeenFlow } from './flow-reader.js';
import { QuicFlows } from './quic-flow.js';

/** Where verdicts come from. */
export interface VerdictSource extends StandingVerdicts {
  verdict(server: ServerKey, passive: PassiveKeys): KnownVerdict | UnknownVerdict;
  /** What was said of a server last, while it holds for flows like this; null: it has to be asked for each time. */
  standing(server: ServerKey, passive: PassiveKeys): Standing | null;
  /** Forgets what it remembers of a server, because the database has news of it. */
  forget(server: ServerKey): void;
}

/** Where probe requests go. Decides by itself whether it may, and says why not. */
export interface ProbePort {
  /** Why not, or the result to come (null: called off because the program stops). Never rejects. */
  request(server: ProbeTarget, seen: SeenHandshake): UnprobedReason | Promise<ProbeResult | null>;
  /** What the session ids of our own probes are made with (probe/own-hello.ts); absent: only `isOwn` knows. */
  readonly ownKey?: Uint8Array;
  /** Whether a ClientHello is one of our own probes. */
  isOwn(random: Uint8Array, sessionId: Uint8Array): boolean;
}

/** Takes in what a probe said; resolves when it is safe. */
export interface ProbeStore {
  record(result: ProbeResult): Promise<void>;
}

/** Waiting flows, per server and in all; beyond, a flow keeps its `pending` and the lost tag is counted. */
const MAX_WAITING_PER_SERVER = 1_000;
const MAX_WAITING = 100_000;

/** Counters since the start; each grows only, except `waiting` and `probing`. */
export interface EngineCounters {
  flows: number;
  known: number;
  unknown: number;
  pending: number;
  unprobed: number;
  own_probes: number;
  undecodable: number;
  tags: number;
  tags_dropped: number;
  probed: number;
  /** Probe results that the database did not take. */
  store_failures: number;
}

/** A flow of which nothing but its verdict was to be told. */
interface PlainFlow {
  readonly server: ServerKey;
  readonly flow: SeenFlow;
}

interface Waiting {
  readonly server: ServerKey;
  readonly flows: FlowIdentity[];
}

export class Engine {
  readonly #counters: EngineCounters = {
    flows: 0,
    known: 0,
    unknown: 0,
    pending: 0,
    unprobed: 0,
    own_probes: 0,
    undecodable: 0,
    tags: 0,
    tags_dropped: 0,
    probed: 0,
    store_failures: 0,
  };
  readonly anomalies = new AnomalyLog();
  readonly quic = new QuicFlows();
  readonly #verdicts: VerdictSource;
  readonly #probes: ProbePort | null;
  readonly #store: ProbeStore;
  readonly #sink: EventSink;
  readonly #now: () => number;
  readonly #warn: (text: string) => void;
  readonly #retryAfterMs: number;
  readonly #alerts: C2Alerts | null;
  readonly #reader: FlowReader;
  readonly #lines: FlowLines | null;
  readonly #drift: Drift | null;
  readonly #waiting = new Map<string, Waiting>();
  readonly #running = new Set<Promise<void>>();
  #waitingFlows = 0;

  /** @param now microseconds since 1970, for events that no packet dates */
  constructor(parts: {
    verdicts: VerdictSource;
    probes: ProbePort | null;
    store: ProbeStore;
    sink: EventSink;
    now: () => number;
    warn: (text: string) => void;
    retryAfterMs: number;
    /** Absent: no alarms. */
    alerts?: C2Alerts;
    keyLog?: KeyLog | null;
    /** Absent: handshakes are not held against fingerprints. */
    drift?: Drift;
  }) {
    this.#verdicts = parts.verdicts;
    this.#probes = parts.probes;
    this.#store = parts.store;
    this.#sink = parts.sink;
    this.#now = parts.now;
    this.#warn = parts.warn;
    this.#retryAfterMs = parts.retryAfterMs;
    this.#alerts = parts.alerts ?? null;
    this.#reader = new FlowReader(parts.keyLog ?? null);
    const { lines } = parts.sink;
    const isOwnTold = parts.probes === null || parts.probes.ownKey !== undefined;
    this.#lines = lines !== undefined && isOwnTold ? new FlowLines(this.#reader.teller, lines, parts.verdicts) : null;
    if (parts.probes?.ownKey !== undefined) this.#reader.teller.knowOwnHellos(parts.probes.ownKey);
    this.#drift = parts.drift ?? null;
  }

  /** Servers that are being probed for a flow. */
  get probing(): number {
    return this.#waiting.size;
  }

  get counters(): Readonly<EngineCounters> {
    const told = this.#lines?.told;
    if (told === undefined) return this.#counters;
    const counters = { ...this.#counters };
    for (const status of ANSWER_STATUSES) {
      counters[status] += told[status];
      counters.flows += told[status];
    }
    return counters;
  }

  /** Takes a batch of what a source yields. Never throws on hostile input. @param inputOf names the input of a record */
  acceptAll(batch: Iterable<CaptureRecord>, inputOf: (record: CaptureRecord) => EventInput): void {
    if (batch instanceof FlowBatch) {
      const lines = this.#lines;
      if (lines !== null && !this.#reader.hasKeys && lines.begin(inputOf)) {
        this.#tellAll(batch, inputOf, lines);
        return;
      }
      this.#reader.recognise(batch);
    }
    for (const record of batch) this.accept(record, inputOf(record));
  }

  /** Takes one record. */
  accept(record: CaptureRecord, input: EventInput): void {
    switch (record.kind) {
      case 'flow':
        this.#flow(record, input);
        break;
      case 'quic':
        this.#quic(record, input);
        break;
      case 'secrets':
        this.#secrets(record);
        break;
      case 'anomaly': {
        const event = this.anomalies.note(record, input, this.#now());
        if (event !== null) this.#sink.write(event);
        break;
      }
    }
  }

  /** Keeps what a probe said. Never rejects: what the database does not take is counted and told of. */
  async learn(result: ProbeResult): Promise<void> {
    await this.#keep(result);
    this.#lines?.forget();
  }

  /** Resolves when every probe that was asked for has been answered and its tags are written. */
  async settled(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
  }

  /** Keeps what a probe said of a server of which nothing was known, so that no flow can have been told what it is. */
  async #keep(result: ProbeResult): Promise<void> {
    const { target } = result;
    this.#counters.probed++;
    try {
      await this.#store.record(result);
    } catch (error) {
      this.#counters.store_failures++;
      this.#warn(`${target.address}:${target.port} was probed, but not stored: ${(error as Error).message}`);
    }
    this.#verdicts.forget(target);
  }

  /** Has flows told that are like others; the rest are read. */
  #tellAll(batch: FlowBatch, inputOf: (record: CaptureRecord) => EventInput, lines: FlowLines): void {
    for (let at = 0; at < batch.byteLength;) {
      // A capture can bring keys along at any time.
      const stopped = this.#reader.hasKeys ? { stop: Stop.Other, at, client: 0, server: 0 } : lines.tell(batch, at);
      if (stopped.stop === Stop.End) return;
      const { record, end } = batch.recordAt(stopped.at, stopped.client, stopped.server);
      at = end;
      const input = inputOf(record);
      if (record.kind !== 'flow') {
        this.accept(record, input);
        continue;
      }
      if (stopped.stop === Stop.Certificate) this.#reader.learnCertificate(record);
      const plain = this.#flow(record, input);
      if (stopped.stop !== Stop.Answer || plain === null) continue;
      lines.nameInput(record.input, input);
      this.#teachAnswer(batch, stopped, plain, lines);
    }
  }

  /** Has the teller say of the server what was just said of it, where nothing but the server decides that. */
  #teachAnswer(batch: FlowBatch, stopped: Stopped, { server, flow }: PlainFlow, lines: FlowLines): void {
    const standing = this.#verdicts.standing(server, flow);
    if (standing === null) return;
    const { verdict } = standing;
    // What may be an alarm is read each time.
    if (verdict.c2_score !== undefined && verdict.c2_score !== null) return;
    // Of one that may be probed more is decided than what to say.
    if (verdict.status !== 'known' && this.#probes !== null) return;
    const isUntried = verdict.status === 'unknown' && verdict.probed_at === undefined;
    lines.answer(batch, stopped, standing, isUntried ? unprobed('disabled', verdict) : verdict);
  }

  /** Null: there was more to be told than the flow and its verdict, or less. */
  #flow(record: FlowRecord, input: EventInput): PlainFlow | null {
    const flow = this.#reader.read(record);
    if (flow === null) {
      // It began like TLS and was none: cut off in the middle of its first message, or something in disguise.
      this.#counters.undecodable++;
      return null;
    }
    if (this.#isOwnProbe(flow)) {
      this.#counters.own_probes++;
      return null;
    }
    this.#counters.flows++;
    const identity = flowIdentity(record, input);
    const server = {
      address: record.serverAddress,
      port: record.serverPort,
      serverName: flow.sni?.toLowerCase() ?? null,
    };
    const found = this.#tag(flow, server, identity);
    const suspicion = found.status === 'known' ? this.#suspicion(flow, found) : null;
    const verdict = suspicion === null ? found : { ...found, contradicted_by: suspicion.reasons };
    this.#counters[verdict.status]++;
    const event = new FlowEvent(record.timestamp, identity, flow, verdict);
    this.#sink.write(event);
    if (suspicion !== null && verdict.status === 'known') {
      const { timestamp, tls } = event;
      if (suspicion.alarm) this.#sink.write(contradictionAlert(suspicion, verdict, identity, timestamp, tls));
      if (suspicion.probe) this.#probeAgain(server, flow.evidence);
    }
    if (verdict.c2_score !== undefined) this.#alert(verdict, identity, event.timestamp, flow.sni, event.tls);
    return suspicion === null ? { server, flow } : null;
  }

  /** A capture can bring the keys of its connections along. */
  #secrets({ text, input }: SecretsRecord): void {
    this.#reader.addKeys(text, input);
  }

  /** A server that speaks QUIC is known or it is not; the ten hellos go over TCP, and nobody has shown that it is open. */
  #quic(record: QuicRecord, input: EventInput): void {
    for (const hello of this.quic.accept(record, input)) {
      const found = this.#verdicts.verdict(hello.server, hello.passive);
      const verdict = found.status === 'known' ? found : unprobed('disabled', found);
      const event = hello.event(verdict);
      this.#sink.write(event);
      this.#alert(verdict, hello.identity, event.timestamp, event.quic.sni ?? null, null);
    }
  }

  #suspicion(flow: SeenFlow, verdict: KnownVerdict): Suspicion | null {
    return this.#drift === null ? null : this.#drift.suspicion(flow.decoded, tlsFields(flow), verdict);
  }

  #isOwnProbe(flow: SeenFlow): boolean {
    const nonces = this.#probes === null ? null : flow.nonces;
    return nonces !== null && this.#probes?.isOwn(nonces.random, nonces.sessionId) === true;
  }

  #tag(flow: SeenFlow, server: ServerKey, identity: FlowIdentity): Verdict {
    const verdict = this.#verdicts.verdict(server, flow);
    if (verdict.status === 'known') return verdict;
    if (this.#probes === null && verdict.probed_at === undefined) return unprobed('disabled', verdict);
    const key = serverText(server);
    const waiting = this.#waiting.get(key);
    if (waiting !== undefined) {
      this.#wait(waiting, identity);
      return { status: 'pending', ...anyway(verdict) };
    }
    if (verdict.probed_at !== undefined && !this.#isDue(verdict.probed_at)) {
      return verdict;
    }
    if (this.#probes === null) {
      return unprobed('disabled', verdict);
    }
    const answer = this.#probes.request(server, flow.evidence);
    if (!(answer instanceof Promise)) return unprobed(answer, verdict);
    const fresh: Waiting = { server, flows: [] };
    this.#waiting.set(key, fresh);
    this.#wait(fresh, identity);
    const { certSha1, ja3s, ja3 } = flow;
    const running = this.#finish(key, fresh, { certSha1, ja3s, ja3 }, answer).finally(() =>
      this.#running.delete(running),
    );
    this.#running.add(running);
    return { status: 'pending', ...anyway(verdict) };
  }

  /** Whether a server whose last probe was incomplete may be asked again. */
  #isDue(probedAt: string): boolean {
    return this.#probes !== null && this.#now() / 1000 - Date.parse(probedAt) >= this.#retryAfterMs;
  }

  #wait(waiting: Waiting, identity: FlowIdentity): void {
    if (waiting.flows.length >= MAX_WAITING_PER_SERVER || this.#waitingFlows >= MAX_WAITING) {
      this.#counters.tags_dropped++;
      return;
    }
    waiting.flows.push(identity);
    this.#waitingFlows++;
  }

  async #finish(
    key: string,
    waiting: Waiting,
    passive: PassiveKeys,
    answer: Promise<ProbeResult | null>,
  ): Promise<void> {
    const result = await answer;
    if (result !== null) await this.#keep(result);
    this.#waiting.delete(key);
    this.#waitingFlows -= waiting.flows.length;
    const verdict = result === null ? stopped : this.#verdicts.verdict(waiting.server, passive);
    const timestamp = formatTimestamp(this.#now());
    if (result !== null) this.#sink.write(fingerprintEvent(result, timestamp, verdict));
    for (const identity of waiting.flows) {
      this.#counters.tags++;
      this.#sink.write({
        timestamp,
        event_type: 'tag',
        ...identity,
        hellotap: { sni: waiting.server.serverName, verdict },
      });
      this.#alert(verdict, identity, timestamp, waiting.server.serverName, null);
    }
  }

  /** Probes a server anew whose fingerprint does not explain what it does; its flows do not wait for that. */
  #probeAgain(server: ServerKey, evidence: SeenHandshake): void {
    const answer = this.#probes?.request(server, evidence);
    if (!(answer instanceof Promise)) return;
    this.#drift?.probed(server);
    const running = answer
      .then(async (result) => {
        if (result === null) return;
        await this.learn(result);
        const verdict = this.#verdicts.verdict(server, {});
        this.#sink.write(fingerprintEvent(result, formatTimestamp(this.#now()), verdict));
      })
      .finally(() => this.#running.delete(running));
    this.#running.add(running);
  }

  #alert(verdict: Verdict, identity: FlowIdentity, timestamp: string, sni: string | null, tls: TlsFields | null): void {
    if (this.#alerts === null || verdict.c2_score === undefined || verdict.c2_score === null) return;
    const event = this.#alerts.alertOf(verdict, identity, timestamp, sni, tls);
    if (event !== null) this.#sink.write(event);
  }
}

/** The verdict of a flow whose probe was called off when the program was stopped. */
const stopped: Verdict = { status: 'unprobed', reason: 'stopped', cached: false };

/** Verdicts that say nothing but why, made once: most flows of a triage without probing share one. */
const bareUnprobed = new Map<string, UnprobedVerdict>();

function unprobed(reason: UnprobedReason, verdict: UnknownVerdict): UnprobedVerdict {
  if (verdict.labels !== undefined || verdict.c2_score !== undefined) {
    return { status: 'unprobed', reason, ...anyway(verdict) };
  }
  const key = `${reason} ${verdict.cached}`;
  let bare = bareUnprobed.get(key);
  if (bare === undefined) {
    bare = { status: 'unprobed', reason, cached: verdict.cached };
    bareUnprobed.set(key, bare);
  }
  return bare;
}

/** What stands in a verdict without the server's fingerprint. */
function anyway({ labels, c2_score, c2, cached }: UnknownVerdict): KnownAnyway & { cached: boolean } {
  return {
    ...(labels === undefined ? {} : { labels }),
    ...(c2_score === undefined ? {} : { c2_score }),
    ...(c2 === undefined ? {} : { c2 }),
    cached,
  };
}

function serverText(server: ServerKey): string {
  return `${server.address} ${server.port} ${server.serverName ?? ''}`;
}
