// Probes servers with a hello set: takes targets, gives results, and keeps to the limits. All parts meet here: the
// scheduler says when, a Handshake says what, a connection carries it, a ServerProbe collects it.
import { converse } from './connection.js';
import type { ConnectionDeadlines } from './connection.js';
import { ConnectionJob } from './connection-job.js';
import { DeadlineQueue, monotonicClock } from './deadlines.js';
import type { ProbeExtra } from './extra.js';
import { ExtraJob } from './extra-job.js';
import { Handshake } from './handshake.js';
import { HandshakeJob, type HandshakeConductor } from './handshake-job.js';
import { HelloPreparer } from './hello-set.js';
import type { HelloDefinition } from './hello-set.js';
import { HttpExtra } from './http-extra.js';
import { checkJarmSet, JarmExtra } from './jarm-extra.js';
import { budgetPrefix } from './networks.js';
import { MarkedRandomness, OwnHelloMark } from './own-hello.js';
import type { ProbeResult, ProbeTarget } from './probe-result.js';
import { PROBER_DEFAULTS } from './prober-options.js';
import type { ProberCounters, ProberOptions } from './prober-options.js';
import { probeStream } from './probe-stream.js';
import { Scheduler } from './scheduler.js';
import { ServerProbe } from './server-probe.js';
import { withStartTls } from './starttls/conversation.js';

/** A target whose turn has not come. */
interface Waiting {
  readonly target: ProbeTarget;
  readonly resolve: (result: ProbeResult | null) => void;
}

/** Fewest servers that connections are shuffled over. */
const LEAST_SHUFFLE = 16;

export class Prober {
  readonly counters: ProberCounters = newCounters();
  /** Recognises our own hellos on a tap. */
  readonly mark: OwnHelloMark;
  private readonly options: ProberOptions;
  private readonly scheduler: Scheduler;
  private readonly deadlines: ConnectionDeadlines;
  private readonly randomness: MarkedRandomness;
  private readonly preparer: HelloPreparer;
  private readonly shuffleOver: number;
  /** Read from `waitingStart` on; what lies before is cut off now and then. */
  private readonly waiting: Waiting[] = [];
  private waitingStart = 0;
  private stopping = false;
  private nextPort = 0;
  private readonly onIdle: (() => void)[] = [];

  /** @param options what is left out has the value of PROBER_DEFAULTS */
  constructor(options: Partial<ProberOptions> & Pick<ProberOptions, 'helloSet'>) {
    this.options = { ...PROBER_DEFAULTS, mark: new OwnHelloMark(), ...options };
    const { rate, concurrency, connectTimeoutMs, handshakeTimeoutMs, shuffleOver } = this.options;
    if (this.options.jarm !== null) checkJarmSet(this.options.jarm);
    this.mark = this.options.mark;
    this.randomness = new MarkedRandomness(this.mark);
    this.preparer = new HelloPreparer(() => this.randomness.byte());
    this.deadlines = {
      connect: new DeadlineQueue(connectTimeoutMs),
      handshake: new DeadlineQueue(handshakeTimeoutMs),
    };
    this.shuffleOver = shuffleOver ?? Math.max(LEAST_SHUFFLE, rate === 0 ? concurrency : rate);
    this.scheduler = new Scheduler(this.options, monotonicClock, Math.random, () => this.activateNext());
  }

  /**
   * Probes one server. Never rejects, whatever the network does. Null: the prober was stopped before a connection to
   * the server had been opened.
   */
  probe(target: ProbeTarget): Promise<ProbeResult | null> {
    if (this.stopping) {
      this.counters.stopped += 1;
      return Promise.resolve(null);
    }
    return new Promise((resolve) => {
      this.waiting.push({ target, resolve });
      this.counters.waiting += 1;
      this.pump();
    });
  }

  /**
   * Probes every target of a source that may be endless: targets are taken as there is room for them, results come as
   * they are ready. Ends when all are done or, after `stop`, when those are done that had begun. Throws what `targets`
   * throws, after the results of those before.
   */
  probeAll(targets: AsyncIterable<ProbeTarget> | Iterable<ProbeTarget>): AsyncGenerator<ProbeResult> {
    return probeStream(this, targets, this.options.maxActiveServers);
  }

  /** Takes no more targets, forgets those that have not begun, and resolves when the others are done. */
  stop(): Promise<void> {
    this.stopping = true;
    for (const { resolve } of this.waiting.splice(0).slice(this.waitingStart)) {
      this.counters.stopped += 1;
      resolve(null);
    }
    this.waitingStart = 0;
    this.counters.waiting = 0;
    this.scheduler.remove((job) => job instanceof ConnectionJob && job.abandon());
    if (this.counters.active === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.onIdle.push(resolve);
    });
  }

  /** Opens connections as far as the limits allow. */
  private pump(): void {
    while (this.counters.active < this.shuffleOver && this.activateNext()) {
      // Until there is enough to shuffle.
    }
    this.scheduler.pump();
  }

  /** Lets the next waiting target begin. False: none is waiting, or there is no room. */
  private activateNext(): boolean {
    const { options, counters } = this;
    const next = this.waiting[this.waitingStart];
    if (next === undefined || counters.active >= options.maxActiveServers) return false;
    this.waitingStart += 1;
    if (this.waitingStart * 2 >= this.waiting.length) {
      this.waiting.splice(0, this.waitingStart);
      this.waitingStart = 0;
    }
    counters.waiting -= 1;
    counters.active += 1;
    const probe = new ServerProbe(next.target, options.helloSet, options, this.extrasFor(next.target));
    const prefix = options.perPrefixRate > 0 ? budgetPrefix(next.target.address) : '';
    const jobs = {
      probe,
      prefix,
      conductor: this.conductor,
      finish: (result: ProbeResult | null): void => {
        this.finish(result, next.resolve);
      },
    };
    for (const hello of options.helloSet.hellos) {
      this.scheduler.submit(next.target.address, prefix, new HandshakeJob(jobs, hello));
    }
    for (const exchange of probe.extras.flatMap(({ exchanges }) => exchanges)) {
      this.scheduler.submit(next.target.address, prefix, new ExtraJob(jobs, exchange));
    }
    return true;
  }

  /** What is to be found out of a server besides its fingerprint. */
  private extrasFor(target: ProbeTarget): ProbeExtra[] {
    const { jarm, http } = this.options;
    const { address, serverName } = target;
    const extras: ProbeExtra[] = [];
    // jarm.py always sends a server name: the target as it was given, so an address as its text.
    const name = serverName ?? address;
    if (jarm !== null && target.jarm !== false)
      extras.push(new JarmExtra(jarm, (hello) => this.handshake(hello, name).takeOutput()));
    const [hello] = http?.hellos ?? [];
    // Who speaks another protocol before TLS speaks it after TLS as well.
    if (hello !== undefined && target.startTls === undefined && target.http !== false)
      extras.push(new HttpExtra(target, () => this.handshake(hello, serverName, true)));
    return extras;
  }

  private handshake(hello: HelloDefinition, serverName: string | null, goesOn = false): Handshake {
    return new Handshake(this.preparer.prepare(hello, serverName !== null), serverName, this.randomness, goesOn);
  }

  private finish(result: ProbeResult | null, resolve: Waiting['resolve']): void {
    const { counters } = this;
    counters.active -= 1;
    if (result === null) {
      counters.stopped += 1;
    } else {
      counters.servers += 1;
      if (result.fingerprint !== null) counters.fingerprinted += 1;
    }
    resolve(result);
    if (counters.active === 0 && this.stopping) for (const idle of this.onIdle.splice(0)) idle();
    this.pump();
  }

  /** What the jobs need of the prober. */
  private readonly conductor: HandshakeConductor = {
    shakeHands: (target, hello, onEnd) => {
      const handshake = this.handshake(hello, target.serverName);
      this.conductor.connect(target, handshake, (end) => {
        onEnd(handshake, end);
      });
    },
    connect: (target, conversation, onEnd) => {
      const { options, counters } = this;
      const endpoint = {
        address: target.address,
        port: target.port,
        localAddress: options.sourceAddress,
        localPort: this.sourcePort(),
      };
      counters.connections += 1;
      counters.open += 1;
      converse(endpoint, withStartTls(target, conversation), this.deadlines, (end) => {
        counters.open -= 1;
        onEnd(end);
      });
    },
    isExcluded: (address) => this.options.isExcluded(address),
    submitLater: (job, target, prefix, delayMs) => {
      this.counters.retries += 1;
      this.scheduler.submitLater(target.address, prefix, job, delayMs);
    },
    count: (outcome, skipped) => {
      this.counters.outcomes[outcome] += 1;
      if (outcome === 'excluded') this.counters.excluded += 1;
      else if (skipped) this.counters.given_up += 1;
    },
    report: (report) => {
      this.options.onHandshake?.(report);
    },
  };

  /** The next of the source ports in turn, 0 where the system chooses. */
  private sourcePort(): number {
    const { sourcePorts } = this.options;
    if (sourcePorts === null) return 0;
    const [first, last] = sourcePorts;
    const port = first + this.nextPort;
    this.nextPort = (this.nextPort + 1) % (last - first + 1);
    return port;
  }
}

function newCounters(): ProberCounters {
  return {
    connections: 0,
    servers: 0,
    fingerprinted: 0,
    retries: 0,
    excluded: 0,
    given_up: 0,
    stopped: 0,
    outcomes: {
      ok: 0,
      alert: 0,
      refused: 0,
      reset: 0,
      timeout: 0,
      closed: 0,
      not_tls: 0,
      unreachable: 0,
      malformed: 0,
      unsupported: 0,
      excluded: 0,
    },
    open: 0,
    active: 0,
    waiting: 0,
  };
}
