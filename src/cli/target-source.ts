// Where targets come from: arguments, lists and standard input, as one stream.
import { statSync } from 'node:fs';
import type { Option } from 'commander';
import { HellotapError } from '../errors.js';
import type { ProbeTarget } from '../probe/probe-result.js';
import type { TargetSpec } from '../probe/targets.js';
import { unreadableReason } from '../system-reason.js';
import { repeatable } from './option.js';

/** Names that are looked up ahead. */
const LOOKUPS = 32;

export const inputOption = (): Option =>
  repeatable(
    '-i, --input <file>',
    "a target per line, or goscanner's CSV (address[:port][,name[,client hello]]); -: standard input; may be given several times",
  );

/** Before anything is opened or probed. @throws HellotapError ERR_CONFIG naming the first list that cannot be read */
export function checkLists(lists: readonly string[]): void {
  for (const path of lists) {
    if (path === '-') continue;
    const reason = unreadableReason(path) ?? (statSync(path).isDirectory() ? 'is a folder' : null);
    if (reason !== null) throw new HellotapError('ERR_CONFIG', `${path}: cannot be read: ${reason}`);
  }
}

/** The targets of arguments and lists, names looked up. A problem with one of them does not keep the others away. */
export async function openTargets(
  named: readonly TargetSpec[],
  lists: readonly string[],
  onProblem: (error: HellotapError) => void,
): Promise<AsyncGenerator<ProbeTarget>> {
  const [{ resolveTargets }, { lookup }] = await Promise.all([
    import('../probe/targets.js'),
    import('node:dns/promises'),
  ]);
  const resolve = async (host: string): Promise<string[]> =>
    (await lookup(host, { all: true })).map(({ address }) => address);
  return resolveTargets(targetSpecs(named, lists, onProblem), { resolve, onProblem, lookups: LOOKUPS });
}

/** The targets as they are written. */
export async function* targetSpecs(
  named: readonly TargetSpec[],
  lists: readonly string[],
  onProblem: (error: HellotapError) => void,
): AsyncGenerator<TargetSpec> {
  yield* named;
  const [{ parseTargetLines }, { openLines }] = await Promise.all([
    import('../probe/targets.js'),
    import('./input-lines.js'),
  ]);
  for (const path of lists) yield* parseTargetLines(openLines(path), path === '-' ? 'standard input' : path, onProblem);
}

/** The targets until the signal, which does not wait for an input that is silent. */
export async function* until(signal: AbortSignal, targets: AsyncGenerator<ProbeTarget>): AsyncGenerator<ProbeTarget> {
  let wake = (): void => undefined;
  signal.addEventListener('abort', () => {
    wake();
  });
  while (!signal.aborted) {
    // Not Promise.race with one promise for the signal: that would remember every target until the end.
    const next = await new Promise<IteratorResult<ProbeTarget, unknown> | null>((resolve, reject) => {
      wake = () => {
        resolve(null);
      };
      targets.next().then(resolve, reject);
    });
    if (next === null || next.done === true) return;
    yield next.value;
  }
}
