// One handshake of one server's probe.
import type { ConnectionEnd } from './connection.js';
import { ConnectionJob, type Conductor, type ServerJobs } from './connection-job.js';
import type { Handshake } from './handshake.js';
import type { HelloDefinition } from './hello-set.js';
import type { ProbeOutcome, ProbeTarget } from './probe-result.js';
import type { HandshakeReport } from './prober-options.js';

export interface HandshakeConductor extends Conductor {
  shakeHands(
    target: ProbeTarget,
    hello: HelloDefinition,
    onEnd: (handshake: Handshake, end: ConnectionEnd) => void,
  ): void;
  report(report: HandshakeReport): void;
}

export class HandshakeJob extends ConnectionJob<HandshakeConductor> {
  constructor(
    server: ServerJobs<HandshakeConductor>,
    private readonly hello: HelloDefinition,
  ) {
    super(server);
  }

  protected skip(outcome: ProbeOutcome): void {
    this.server.probe.skip(this.hello, outcome);
  }

  protected connect(startedAt: Date, onEnd: (outcome: ProbeOutcome, again: number | null) => void): void {
    const { hello } = this;
    const { probe, conductor } = this.server;
    const { target } = probe;
    conductor.shakeHands(target, hello, (handshake, { connected, localShortage }) => {
      const outcome = handshake.outcome ?? 'closed';
      const { observation, details } = handshake;
      const again = probe.handshakeEnded(hello, observation, details, outcome, { connected, localShortage });
      conductor.report({
        target,
        hello: hello.name,
        observation,
        outcome,
        connected,
        startedAt,
        endedAt: new Date(),
        retried: again !== null,
      });
      onEnd(outcome, again);
    });
  }
}
