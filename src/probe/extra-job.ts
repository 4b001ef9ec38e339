// One connection of an extra: the counterpart of a handshake's job.
import { ConnectionJob, type Conductor } from './connection-job.js';
import type { ExtraExchange } from './extra.js';
import type { ProbeOutcome, ProbeResult } from './probe-result.js';
import type { ServerProbe } from './server-probe.js';

export class ExtraJob extends ConnectionJob {
  constructor(
    probe: ServerProbe,
    private readonly exchange: ExtraExchange,
    conductor: Conductor,
    prefix: string,
    finish: (result: ProbeResult | null) => void,
  ) {
    super(probe, conductor, prefix, finish);
  }

  protected skip(outcome: ProbeOutcome): void {
    this.exchange.ended(outcome);
    this.probe.extraSkipped();
  }

  protected connect(_startedAt: Date, onEnd: (outcome: ProbeOutcome, again: number | null) => void): void {
    const { probe, exchange, conductor } = this;
    const conversation = exchange.start();
    conductor.connect(probe.target, conversation, (end) => {
      const outcome = conversation.outcome ?? 'closed';
      onEnd(outcome, probe.extraEnded(exchange.name, exchange.ended(outcome), outcome, end));
    });
  }
}
