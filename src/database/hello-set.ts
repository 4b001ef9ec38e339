// Which Client Hellos a stack fingerprint speaks of, as far as the database has to know: their names, in order.

/** The ten Client Hellos of "Active TLS Stack Fingerprinting" (TMA 2022), sorted by name as in the combined text. */
export const ATSF_2022: HelloSet = {
  name: 'atsf-2022',
  hellos: [
    'random4520',
    'random458',
    'random6112',
    'random6306',
    'random6939',
    'random7225',
    'random7590',
    'random8273',
    'random9057',
    'random9428',
  ],
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
