// One connection of an extra, from the moment when the scheduler lets it go: the counterpart of a handshake's job.
import type { Conversation, ConnectionEnd } from './connection.js';
import { monotonicClock } from './deadlines.js';
import type { ExtraExchange } from './extra.js';
import type { ProbeOutcome, ProbeResult, ProbeTarget } from './probe-result.js';
import type { Job } from './scheduler.js';
import type { ServerProbe } from './server-probe.js';

/** What the job needs of its prober. */
export interface ExtraConductor {
  connect(target: ProbeTarget, conversation: Conversation, onEnd: (end: ConnectionEnd) => void): void;
  isExcluded(address: string): boolean;
  submitLater(job: Job, target: ProbeTarget, prefix: string, delayMs: number): void;
  count(outcome: ProbeOutcome, skipped: boolean): void;
}

export class ExtraJob implements Job {
  constructor(
    readonly probe: ServerProbe,
    private readonly exchange: ExtraExchange,
    private readonly prefix: string,
    private readonly conductor: ExtraConductor,
    /** Called once per server, by the job that is the last to end. */
    private readonly finish: (result: ProbeResult | null) => void,
  ) {}

  settle(): boolean {
    const { probe, exchange, conductor } = this;
    const reason = conductor.isExcluded(probe.target.address) ? 'excluded' : probe.givenUp;
    if (reason === null) return false;
    exchange.ended(reason);
    probe.extraSkipped();
    conductor.count(reason, true);
    this.finishIfLast();
    return true;
  }

  run(done: () => void): void {
    const { probe, exchange, conductor } = this;
    const { target } = probe;
    probe.begin(new Date(), monotonicClock());
    const conversation = exchange.start();
    conductor.connect(target, conversation, (end) => {
      const outcome = conversation.outcome ?? 'closed';
      const again = probe.extraEnded(exchange.name, exchange.ended(outcome), outcome, end);
      if (again === null) conductor.count(outcome, false);
      else conductor.submitLater(this, target, this.prefix, again);
      done();
      this.finishIfLast();
    });
  }

  /** Gives the job up if no connection to its server has been opened. False: it has to run. */
  abandon(): boolean {
    const { probe } = this;
    if (probe.begun) return false;
    if (probe.abandonOne()) this.finish(null);
    return true;
  }

  private finishIfLast(): void {
    const { probe } = this;
    if (probe.takeFinished()) this.finish(probe.result(new Date(), monotonicClock()));
  }
}
