// Which Client Hellos a stack fingerprint speaks of, as far as the database has to know: their names, in order.
import { TEN_HELLOS } from '../fingerprint/stack.js';

/** The ten Client Hellos of "Active TLS Stack Fingerprinting" (TMA 2022), sorted by name as in the combined text. */
export const ATSF_2022: HelloSet = {
  name: 'atsf-2022',
  hellos: TEN_HELLOS,
};

/** `hellos`: names in code-point order; `digest`: of the set's definition, where known. */
export interface HelloSet {
  readonly name: string;
  readonly hellos: readonly string[];
  readonly digest?: string | undefined;
}

/** Names in the order of the combined text. */
export function sortHellos(names: Iterable<string>): string[] {
  return [...names].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
}
