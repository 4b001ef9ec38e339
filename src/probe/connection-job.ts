// One connection of one server's probe, from the moment when the scheduler lets it go to its end, or to another try.
import type { ConnectionEnd, Conversation } from './connection.js';
import { monotonicClock } from './deadlines.js';
import type { ProbeOutcome, ProbeResult, ProbeTarget } from './probe-result.js';
import type { Job } from './scheduler.js';
import type { ServerProbe } from './server-probe.js';

/** What jobs need of their prober. */
export interface Conductor {
  connect(target: ProbeTarget, conversation: Conversation, onEnd: (end: ConnectionEnd) => void): void;
  isExcluded(address: string): boolean;
  submitLater(job: Job, target: ProbeTarget, prefix: string, delayMs: number): void;
  /** @param skipped no connection was made */
  count(outcome: ProbeOutcome, skipped: boolean): void;
}

/** What the jobs of one server have in common. */
export interface ServerJobs<C extends Conductor = Conductor> {
  readonly probe: ServerProbe;
  readonly conductor: C;
  /** Budget that the server falls under; see `budgetPrefix`. */
  readonly prefix: string;
  /** Called once, by the job that is the last to end. */
  readonly finish: (result: ProbeResult | null) => void;
}

/** What is said on the connection, and what its end means, is for those who extend this. */
export abstract class ConnectionJob<C extends Conductor = Conductor> implements Job {
  constructor(protected readonly server: ServerJobs<C>) {}

  settle(): boolean {
    const { probe, conductor } = this.server;
    const reason = conductor.isExcluded(probe.target.address) ? 'excluded' : probe.givenUp;
    if (reason === null) return false;
    this.skip(reason);
    conductor.count(reason, true);
    this.finishIfLast();
    return true;
  }

  run(done: () => void): void {
    const { probe, conductor, prefix } = this.server;
    const startedAt = new Date();
    probe.begin(startedAt, monotonicClock());
    this.connect(startedAt, (outcome, again) => {
      if (again === null) conductor.count(outcome, false);
      else conductor.submitLater(this, probe.target, prefix, again);
      done();
      this.finishIfLast();
    });
  }

  /** Gives the job up if no connection to its server has been opened. False: it has to run. */
  abandon(): boolean {
    const { probe, finish } = this.server;
    if (probe.begun) return false;
    if (probe.abandonOne()) finish(null);
    return true;
  }

  /** Notes that there will be no connection. */
  protected abstract skip(outcome: ProbeOutcome): void;

  /** Opens the connection. @param onEnd takes the outcome, and after how many milliseconds to try again; null: not at all */
  protected abstract connect(startedAt: Date, onEnd: (outcome: ProbeOutcome, again: number | null) => void): void;

  private finishIfLast(): void {
    const { probe, finish } = this.server;
    if (probe.takeFinished()) finish(probe.result(new Date(), monotonicClock()));
  }
}
