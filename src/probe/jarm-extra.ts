// JARM as an extra of a probe: ten Client Hellos, of each only what the first read brings.
import { jarm, JARM_HELLOS, JARM_READ_LENGTH } from '../fingerprint/jarm.js';
import { HellotapError } from '../errors.js';
import type { Conversation } from './connection.js';
import type { ExtraExchange, ProbeExtra } from './extra.js';
import { FirstAnswer } from './first-answer.js';
import type { HelloDefinition, HelloSet } from './hello-set.js';
import type { ProbeFindings, ProbeOutcome } from './probe-result.js';

/** Writes the record of a Client Hello. */
export type WriteHello = (hello: HelloDefinition) => Uint8Array | null;

/** Throws ERR_HELLO_SET where a set has not the number of hellos that JARM has. */
export function checkJarmSet({ name, hellos }: HelloSet): void {
  if (hellos.length === JARM_HELLOS) return;
  throw new HellotapError('ERR_HELLO_SET', `${name}: JARM has ${JARM_HELLOS} hellos, this set ${hellos.length}`);
}

export class JarmExtra implements ProbeExtra {
  readonly exchanges: readonly JarmExchange[];

  /** `set`: JARM's hellos, in JARM's order by name. */
  constructor(set: HelloSet, writeHello: WriteHello) {
    this.exchanges = set.hellos.map((hello) => new JarmExchange(hello, writeHello));
  }

  findings(): ProbeFindings {
    if (this.exchanges.some(({ outcome }) => outcome === 'excluded')) return { jarm: null };
    return { jarm: jarm(this.exchanges.map(({ answer }) => answer)) };
  }
}

class JarmExchange implements ExtraExchange {
  readonly name: string;
  outcome: ProbeOutcome | null = null;
  /** Null: nothing in time. */
  answer: Uint8Array | null = new Uint8Array(0);
  private conversation: FirstAnswer | null = null;

  constructor(
    private readonly hello: HelloDefinition,
    private readonly writeHello: WriteHello,
  ) {
    this.name = `JARM ${hello.name}`;
  }

  start(): Conversation {
    this.conversation = new FirstAnswer(this.writeHello(this.hello), JARM_READ_LENGTH);
    return this.conversation;
  }

  ended(outcome: ProbeOutcome): boolean {
    this.outcome = outcome;
    this.answer = outcome === 'timeout' ? null : (this.conversation?.answer ?? new Uint8Array(0));
    this.conversation = null;
    return this.answer !== null && this.answer.length > 0;
  }
}
