// Tells flows that are like others without reading them: their lines are put together by native/tell and put where the sink takes
// lines. Here is decided what it may say of a server, and for how long.
import type { FlowBatch } from '../capture/flow-batch.js';
import { ANSWER_STATUSES, Stop, type AnswerStatus, type Teller } from '../capture/teller.js';
import type { Standing } from '../match/matcher.js';
import type { Verdict } from '../match/verdict.js';
import type { EventInput, LineRoom } from '../output/event.js';
import { inputMember, verdictJson } from '../output/flow-event.js';

/** A source of verdicts whose answers may be given again without asking. */
export interface StandingVerdicts {
  /** Changes when what was said before does not hold any more. */
  readonly era: number;
  /** Milliseconds, never going back. */
  readonly clock: number;
  /** SHA-1 of the certificates that say something by themselves, one behind the other; null: too many to be kept. */
  listedCertificates(): Uint8Array | null;
  /** So many verdicts were given without asking. */
  answered(count: number): void;
}

/** Where a telling stopped: at a record that has to be read, or at the end. */
export interface Stopped {
  readonly stop: Stop;
  readonly at: number;
  /** Stencils that the record's openings fit; 0: none. */
  readonly client: number;
  readonly server: number;
}

export class FlowLines {
  /** Flows that were told, by what was said of their servers. */
  readonly told: Record<AnswerStatus, number> = { known: 0, unknown: 0, unprobed: 0, pending: 0 };
  readonly #teller: Teller;
  readonly #room: LineRoom;
  readonly #verdicts: StandingVerdicts;
  #era = -1;
  #canTell = false;
  #inputOf: unknown = null;
  #named: (EventInput | undefined)[] = [];

  constructor(teller: Teller, room: LineRoom, verdicts: StandingVerdicts) {
    this.#teller = teller;
    this.#room = room;
    this.#verdicts = verdicts;
  }

  /**
   * Gets ready for a batch. False: its flows cannot be told.
   * @param inputOf names inputs; another one gives their numbers another meaning
   */
  begin(inputOf: unknown): boolean {
    const { era } = this.#verdicts;
    if (era !== this.#era) this.#beginEra(era);
    if (inputOf !== this.#inputOf) {
      this.#teller.forgetInputs();
      this.#named = [];
      this.#inputOf = inputOf;
    }
    return this.#canTell;
  }

  /** How lines name an input. */
  nameInput(number: number, input: EventInput): void {
    if (this.#named[number] !== undefined) return;
    this.#named[number] = input;
    this.#teller.nameInput(number, inputMember(input));
  }

  /** Nothing that was said of servers holds any more. */
  forget(): void {
    this.#teller.forgetAnswers();
  }

  /** Tells flows of a batch from the record at `at` on, up to the first that has to be read. */
  tell(batch: FlowBatch, at: number): Stopped {
    const teller = this.#teller;
    const now = this.#verdicts.clock;
    for (let from = at; ; from = teller.at) {
      batch.tell(teller, from, now, this.#room.room(teller.maxLineBytes));
      const { stop, lines } = teller;
      if (lines > 0) this.#count(lines);
      if (stop !== Stop.Full || lines === 0) return { stop, at: teller.at, ...teller.handshake };
    }
  }

  /**
   * From now on, this is said of the server of the flow at `stopped`, as long as the verdict stands.
   * @param verdict what the standing one comes down to
   */
  answer(batch: FlowBatch, { at, client, server }: Stopped, standing: Standing, verdict: Verdict): void {
    const { until, isForAnyName, isForAnyHellos } = standing;
    // Whether a handshake contradicts what is known of its server, its openings decide.
    const handshake = verdict.status === 'known' || !isForAnyHellos ? { client, server } : null;
    batch.answer(this.#teller, at, {
      verdict: verdictJson(verdict),
      status: verdict.status,
      until,
      isForAnyName,
      handshake,
    });
  }

  #beginEra(era: number): void {
    this.forget();
    const listed = this.#verdicts.listedCertificates();
    this.#canTell = this.#teller.isUsable && listed !== null;
    if (listed !== null) this.#teller.listCertificates(listed);
    this.#era = era;
  }

  #count(lines: number): void {
    const teller = this.#teller;
    this.#room.filled(teller.bytes, lines);
    this.#verdicts.answered(lines);
    for (const status of ANSWER_STATUSES) this.told[status] += teller.linesWith(status);
  }
}
