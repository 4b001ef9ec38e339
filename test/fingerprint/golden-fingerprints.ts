// The answers of the paper's own scanner (golden/fingerprints.jsonl), typed.
import { readFileSync } from 'node:fs';

export interface GoldenFingerprint {
  readonly deployment: string;
  readonly server_name: string | null;
  readonly hellos: Readonly<Record<string, string | null>>;
  readonly fingerprint: string | null;
}

export const GOLDEN_FINGERPRINTS: readonly GoldenFingerprint[] = readFileSync(
  new URL('../golden/fingerprints.jsonl', import.meta.url),
  'utf8',
)
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as GoldenFingerprint);

/** Every text of a single handshake in golden, once. */
export const GOLDEN_HANDSHAKES: readonly string[] = [
  ...new Set(
    GOLDEN_FINGERPRINTS.flatMap((line) => Object.values(line.hellos).filter((text): text is string => text !== null)),
  ),
];
