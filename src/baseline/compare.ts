// Holds what probes of a server showed against its recorded state. Pure.
//
// A server may have several states: behind a load balancer each of a probe's connections may reach another stack. So what
// was recorded is a set of values for each trait, and a value is new that is not in it. One new value may be a hiccup (a
// worker that was just replaced, a connection that was cut); a trait has changed when two probes showed a new one.
import { ASPECTS, type Aspect, type Trait } from './traits.js';

/** A trait of which some probe showed a value that was not recorded. */
export interface Deviation {
  readonly hello: string;
  readonly aspect: Aspect;
  /** Recorded values, and new ones in the order in which they were seen. */
  readonly was: readonly string[];
  readonly now: readonly string[];
  /** How many probes showed a new value, and how many a recorded one. */
  readonly fresh: number;
  readonly known: number;
}

export interface Comparison {
  /** Traits that have changed, and those of which a single probe showed something new. */
  readonly changed: readonly Deviation[];
  readonly unsteady: readonly Deviation[];
  /** Client Hellos that were answered when the state was recorded, and to which no probe has an answer. */
  readonly unanswered: readonly string[];
  /** Traits of which a value was recorded and one was seen. 0: nothing could be compared. */
  readonly compared: number;
}

/** New values of a trait that make a change. */
const CONVINCING = 2;

/** @param probes traits of each probe since; aspects that were not recorded are not compared */
export function compareTraits(recorded: readonly Trait[], probes: readonly (readonly Trait[])[]): Comparison {
  const values = new Map<string, { readonly hello: string; readonly aspect: Aspect; readonly was: string[] }>();
  for (const { hello, aspect, value } of recorded) {
    const key = `${aspect} ${hello}`;
    const known = values.get(key);
    if (known === undefined) values.set(key, { hello, aspect, was: [value] });
    else known.was.push(value);
  }
  const changed: Deviation[] = [];
  const unsteady: Deviation[] = [];
  const unanswered: string[] = [];
  let compared = 0;
  for (const { hello, aspect, was } of values.values()) {
    const seen = probes.flat().filter((trait) => trait.hello === hello && trait.aspect === aspect);
    if (seen.length > 0) compared += 1;
    else if (aspect === 'answer') unanswered.push(hello);
    const fresh = seen.filter(({ value }) => !was.includes(value));
    if (fresh.length === 0) continue;
    const now = [...new Set(fresh.map(({ value }) => value))];
    const deviation = { hello, aspect, was, now, fresh: fresh.length, known: seen.length - fresh.length };
    (fresh.length >= CONVINCING ? changed : unsteady).push(deviation);
  }
  return { changed: inOrder(changed), unsteady: inOrder(unsteady), unanswered: unanswered.sort(), compared };
}

/** Whether another probe could change what is said. */
export function isOpen({ unsteady, unanswered, compared }: Comparison): boolean {
  return compared > 0 && (unsteady.length > 0 || unanswered.length > 0);
}

function inOrder(deviations: readonly Deviation[]): Deviation[] {
  const rank = ({ aspect }: Deviation): number => ASPECTS.indexOf(aspect);
  return deviations.toSorted((a, b) => rank(a) - rank(b) || (a.hello < b.hello ? -1 : a.hello > b.hello ? 1 : 0));
}
