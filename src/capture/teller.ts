// Tells flows that are like others: the typed shell around native/tell. An opening that was read once is remembered as a stencil:
// bytes with holes, which fits all that are alike but for what no event shows. What is in a hole, and what a stencil says, is for
// whoever cut it; the teller puts the lines together, and stops at what is new.
import { loadAddon, type NativeTeller } from './packet-addon.js';

/** What may stand in a hole (native/tell/stencils.h). */
export const HoleKind = {
  Any: 0,
  /** A GREASE value of two bytes (RFC 8701). */
  Grease: 1,
  /** Anything but the bytes that the teller was made with. */
  Other: 2,
  /** Letters, digits, and what else stands in names of hosts; see `isPlainName`. */
  Name: 3,
} as const;
export type HoleKind = (typeof HoleKind)[keyof typeof HoleKind];

/** Whether a hole of the kind `Name` takes a text. JSON does, as it is. */
export function isPlainName(text: string): boolean {
  return /^[A-Za-z0-9._*-]*$/.test(text);
}

/** Where something lies in an opening or a certificate. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

export interface Hole extends Span {
  readonly kind: HoleKind;
}

/** What a piece of a certificate's text is (native/tell/certificate-texts.h). */
export const PieceKind = {
  /** A part of the literals. */
  Literal: 0,
  /** A part of the certificate, as it stands there: a hole of the kind `Name`. */
  Name: 1,
  /** A part of the certificate, as pairs of hexadecimal digits. */
  Pairs: 2,
  /** SHA-1 of the certificate. */
  Digest: 3,
} as const;
export type PieceKind = (typeof PieceKind)[keyof typeof PieceKind];

export interface Piece extends Span {
  readonly kind: PieceKind;
}

/** What is to be said of certificates like one: members of JSON, each with a comma before it. */
export interface CertificateCut {
  readonly holes: readonly Hole[];
  readonly pieces: readonly Piece[];
  readonly literals: Uint8Array;
}

/** Members of JSON that an opening adds to `tls`, a comma before each, and to `hellotap`, a comma behind each. */
export interface OpeningTexts {
  readonly tls: Uint8Array;
  readonly own: Uint8Array;
}

/** What has to be looked at in a client's opening. */
export interface ClientSpans {
  readonly random: Span;
  readonly sessionId: Span;
  /** The host_name; null: the hello has none. */
  readonly name: Span | null;
}

/** Why a teller stopped (native/tell/teller.h). */
export const Stop = {
  /** The end of the batch. */
  End: 0,
  /** The memory for text is full. */
  Full: 1,
  /** No flow, or one that is not for the teller. */
  Other: 2,
  Opening: 3,
  Certificate: 4,
  Answer: 5,
} as const;
export type Stop = (typeof Stop)[keyof typeof Stop];

/** The kinds of answers that are counted apart. */
export const ANSWER_STATUSES = ['known', 'unknown', 'unprobed', 'pending'] as const;
export type AnswerStatus = (typeof ANSWER_STATUSES)[number];

/** What is to be said of the server of a flow. */
export interface Answer {
  /** JSON. */
  readonly verdict: Uint8Array;
  readonly status: AnswerStatus;
  /** Whatever the name. */
  readonly isForAnyName: boolean;
  /** Milliseconds of the clock that `tell` is given. */
  readonly until: number;
  /** Only where the openings fit these stencils; null: wherever. */
  readonly handshake: { readonly client: number; readonly server: number } | null;
}

/** Offsets in what the native side says of its telling. */
const Told = { stop: 0, at: 1, bytes: 2, lines: 3, client: 4, server: 5, byStatus: 6 } as const;

/** A record of a batch is at least this long. */
const LEAST_RECORD_BYTES = 16;

/** The stencils, texts and answers of one engine, each under a bound: what fits often stays. */
export class Teller {
  readonly #addon = loadAddon();
  readonly #native: NativeTeller;
  readonly #told = new Float64Array(Told.byStatus + ANSWER_STATUSES.length);
  #numbers = new Uint32Array(0);

  /** @param reserved 32 bytes that holes of the kind `Other` do not take */
  constructor(reserved: Uint8Array) {
    this.#native = new this.#addon.Teller(reserved);
  }

  /** Whether it can tell; else it recognises only. */
  get isUsable(): boolean {
    return this.#native.isUsable;
  }

  /** How many stencils of openings there can be; the slot of one is its number modulo this. */
  get slots(): number {
    return this.#addon.Teller.slots;
  }

  /** Bytes of the longest line. */
  get maxLineBytes(): number {
    return this.#addon.Teller.maxLineBytes;
  }

  /**
   * Cuts a stencil out of an opening; the holes are ascending and apart. Gives its number, which no other in its slot has had for
   * a long time, or 0 where it was not taken: too long, too much of it fixed, or too many holes.
   */
  learnOpening(opening: Uint8Array, holes: readonly Hole[]): number {
    return this.#native.learnOpening(opening, numbersOf(holes));
  }

  /** What is to be said of a client's openings that fit. */
  describeClient(stencil: number, { random, sessionId, name }: ClientSpans, { tls, own }: OpeningTexts): void {
    const spans = name === null ? [random, sessionId] : [random, sessionId, name];
    this.#native.describeClient(stencil, Uint32Array.from(spans.flatMap(({ start, end }) => [start, end])), tls, own);
  }

  /**
   * What is to be said of a server's.
   * @param certificate the parts that make up its own certificate; null: it has none
   * @param resumed member of `tls`, said where the server has changed its cipher, or else too if `isSure`
   */
  describeServer(
    stencil: number,
    certificate: readonly Span[] | null,
    { tls, own }: OpeningTexts,
    resumed: Uint8Array,
    isSure: boolean,
  ): void {
    const parts = (certificate ?? []).flatMap(({ start, end }) => [start, end]);
    this.#native.describeServer(stencil, Uint32Array.from(parts), tls, own, resumed, isSure);
  }

  /** False: it was not taken. */
  learnCertificate(der: Uint8Array, { holes, pieces, literals }: CertificateCut): boolean {
    const numbers = pieces.flatMap(({ kind, start, end }) => [kind, start, end]);
    return this.#native.learnCertificate(der, numbersOf(holes), Uint32Array.from(numbers), literals);
  }

  /** Flows whose hello is marked with this key (probe/own-hello.ts) are not told. */
  knowOwnHellos(key: Uint8Array): void {
    this.#native.knowOwnHellos(key);
  }

  /** Flows with these certificates are not told. @param digests SHA-1 of each, one behind the other; instead of those before */
  listCertificates(digests: Uint8Array): void {
    this.#native.listCertificates(digests);
  }

  /** How lines name an input: a member of JSON with a comma behind it. */
  nameInput(input: number, member: string): void {
    this.#native.nameInput(input, Buffer.from(member));
  }

  /** Until inputs are named anew, no flow is told. */
  forgetInputs(): void {
    this.#native.forgetInputs();
  }

  /** What is to be said of the server of the flow at `at`, whose openings fit. False: it was not taken. */
  answer(
    batch: Uint8Array,
    length: number,
    at: number,
    { verdict, status, isForAnyName, until, handshake }: Answer,
  ): boolean {
    const { client, server } = handshake ?? { client: 0, server: 0 };
    const kind = ANSWER_STATUSES.indexOf(status);
    return this.#native.answer(batch, length, at, isForAnyName, until, kind, verdict, client, server);
  }

  forgetAnswers(): void {
    this.#native.forgetAnswers();
  }

  /** For each record of a batch two numbers: of the stencils that the client's and the server's opening fit, or 0. */
  recognise(batch: Uint8Array, length: number): Uint32Array {
    const most = 2 * Math.ceil(length / LEAST_RECORD_BYTES);
    if (this.#numbers.length < most) this.#numbers = new Uint32Array(most);
    this.#native.recognise(batch, length, this.#numbers);
    return this.#numbers;
  }

  /** Writes the lines of flows from `at` on, up to the first that it cannot tell; then the properties below say how far that was. */
  tell(batch: Uint8Array, length: number, at: number, now: number, text: Uint8Array): void {
    this.#native.tell(batch, length, at, now, text, this.#told);
  }

  get stop(): Stop {
    return this.#value(Told.stop) as Stop;
  }

  /** Where the record begins that is next. */
  get at(): number {
    return this.#value(Told.at);
  }

  /** Bytes of text. */
  get bytes(): number {
    return this.#value(Told.bytes);
  }

  get lines(): number {
    return this.#value(Told.lines);
  }

  /** Lines with an answer of that kind. */
  linesWith(status: AnswerStatus): number {
    return this.#value(Told.byStatus + ANSWER_STATUSES.indexOf(status));
  }

  /** The stencils that the next record's openings fit, as far as it was looked; 0: none. */
  get handshake(): { readonly client: number; readonly server: number } {
    return { client: this.#value(Told.client), server: this.#value(Told.server) };
  }

  #value(index: number): number {
    return this.#told[index] ?? 0;
  }
}

function numbersOf(holes: readonly Hole[]): Uint32Array {
  const numbers = new Uint32Array(3 * holes.length);
  holes.forEach(({ start, end, kind }, index) => {
    numbers.set([start, end, kind], 3 * index);
  });
  return numbers;
}
