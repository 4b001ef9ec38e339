// One connection of an extra: the counterpart of a handshake's job.
import { ConnectionJob, type ServerJobs } from './connection-job.js';
import type { ExtraExchange } from './extra.js';
import type { ProbeOutcome } from './probe-result.js';

export class ExtraJob extends ConnectionJob {
  constructor(
    server: ServerJobs,
    private readonly exchange: ExtraExchange,
  ) {
    super(server);
  }

  protected skip(outcome: ProbeOutcome): void {
    this.exchange.ended(outcome);
    this.server.probe.extraSkipped();
  }

  protected connect(_startedAt: Date, onEnd: (outcome: ProbeOutcome, again: number | null) => void): void {
    const { exchange } = this;
    const { probe, conductor } = this.server;
    const conversation = exchange.start();
    conductor.connect(probe.target, conversation, (end) => {
      const outcome = conversation.outcome ?? 'closed';
      onEnd(outcome, probe.extraEnded(exchange.name, exchange.ended(outcome), outcome, end));
    });
  }
}
