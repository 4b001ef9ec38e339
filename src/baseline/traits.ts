// What a probe showed of a server, taken apart into traits that are compared one by one with those that were recorded.
// Pure.
import { UNRESOLVED_JARM } from '../fingerprint/jarm.js';
import { withoutStatusRequest } from '../fingerprint/stack.js';
import type { ProbeOutcome, ProbeResult } from '../probe/probe-result.js';

/**
 * What is compared. `answer`: the text of one handshake; `certificate_request` and `group`: what that text leaves out in
 * TLS 1.2 and lower; `certificate`: SHA-1 of the server's own; the last two are of the server as a whole.
 */
export const ASPECTS = ['answer', 'certificate_request', 'group', 'certificate', 'jarm', 'http_server'] as const;
export type Aspect = (typeof ASPECTS)[number];

/** One trait as one probe showed it. `hello` is empty for what is of the server as a whole. */
export interface Trait {
  readonly hello: string;
  readonly aspect: Aspect;
  readonly value: string;
}

/** An `answer` without a text: the outcome behind this mark, which no text begins with. */
export const NO_TEXT = '!';

/** Outcomes that show nothing of the server: the network, an overload or our own rules may be the reason. */
const SHOWS_NOTHING: ReadonlySet<ProbeOutcome> = new Set(['refused', 'timeout', 'unreachable', 'excluded']);
/** Outcomes that show something only where the server answers other hellos. */
const SHOWS_LITTLE: ReadonlySet<ProbeOutcome> = new Set(['reset', 'closed']);

/** The traits that a probe showed; what it could not find out is not among them. Empty: the server could not be reached. */
export function traitsOf(result: ProbeResult): Trait[] {
  const { hellos, outcome, details, jarm, httpServer } = result;
  const names = Object.keys(hellos).sort();
  const isSilent = names.every((name) => hellos[name] === null && !showsMuch(outcome[name]));
  if (isSilent) return [];
  const traits: Trait[] = [];
  const add = (hello: string, aspect: Aspect, value: string | null | undefined): void => {
    if (value !== null && value !== undefined) traits.push({ hello, aspect, value });
  };
  for (const hello of names) {
    add(hello, 'answer', answerOf(hellos[hello] ?? null, outcome[hello]));
    const { certificateRequested, keyExchangeGroup, certificateSha1 } = details[hello] ?? {};
    add(
      hello,
      'certificate_request',
      certificateRequested === true ? 'yes' : certificateRequested === false ? 'no' : null,
    );
    add(hello, 'group', keyExchangeGroup?.toString());
    add(hello, 'certificate', certificateSha1);
  }
  // Of zeros alone: no hello of JARM's had a usable answer.
  add('', 'jarm', jarm?.hash === UNRESOLVED_JARM ? null : jarm?.hash);
  add('', 'http_server', httpServer);
  return traits;
}

function showsMuch(outcome: ProbeOutcome | undefined): boolean {
  return outcome !== undefined && !SHOWS_NOTHING.has(outcome) && !SHOWS_LITTLE.has(outcome);
}

/** Null also where a handshake timed out half-way: where it would have gone is not known. */
function answerOf(text: string | null, outcome: ProbeOutcome | undefined): string | null {
  if (outcome === undefined || SHOWS_NOTHING.has(outcome)) return null;
  return text === null ? `${NO_TEXT}${outcome}` : withoutStatusRequest(text);
}

/** The traits of several probes, each once. */
export function uniteTraits(probes: readonly (readonly Trait[])[]): Trait[] {
  const united = new Map<string, Trait>();
  for (const trait of probes.flat()) united.set(`${trait.hello} ${trait.aspect} ${trait.value}`, trait);
  return [...united.values()];
}
