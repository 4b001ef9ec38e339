// Mutation fuzzing of one decoder: node --import tsx test/fuzz/run.ts TARGET SECONDS [SEED]
// Inputs follow from the seed alone. A throw, an input that takes too long, or output out of proportion ends the run with
// exit 1 and the input in hexadecimal. Without TARGET: the list of targets.
import { performance } from 'node:perf_hooks';
import { mutate, Random } from './mutate.js';
import { FUZZ_TARGETS } from './targets.js';

const MAX_INPUT = 70_000;
/** A hang, not a hiccup: the slowest sound input takes some milliseconds, and a machine may be busy. */
const MAX_MILLISECONDS = 500;
/** Characters, bytes and entries that may come out per byte that went in, and besides. */
const MAX_OUTPUT_PER_BYTE = 64;
const MAX_OUTPUT_BESIDES = 4096;

const [name = '', seconds = '60', seed = '1'] = process.argv.slice(2);
const target = FUZZ_TARGETS[name];
if (target === undefined) {
  process.stderr.write(`targets: ${Object.keys(FUZZ_TARGETS).join(' ')}\n`);
  process.exit(2);
}

const random = new Random(Number(seed));
const started = performance.now();
const deadline = started + Number(seconds) * 1000;
let runs = 0;
let slowest = 0;
let heapAtStart = 0;

function check(input: Uint8Array): void {
  const before = performance.now();
  let size = 0;
  try {
    size = target?.run(input) ?? 0;
  } catch (error) {
    fail(input, error instanceof Error ? (error.stack ?? error.message) : String(error));
  }
  const took = performance.now() - before;
  slowest = Math.max(slowest, took);
  runs += 1;
  if (took > MAX_MILLISECONDS && timeOf(input) > MAX_MILLISECONDS) fail(input, `took ${Math.round(took)} ms, twice`);
  if (size > input.length * MAX_OUTPUT_PER_BYTE + MAX_OUTPUT_BESIDES)
    fail(input, `gave ${size} for ${input.length} bytes`);
}

/** Milliseconds that another run takes: on a busy machine a single one says little. */
function timeOf(input: Uint8Array): number {
  const before = performance.now();
  target?.run(input);
  return performance.now() - before;
}

function fail(input: Uint8Array, reason: string): never {
  process.stderr.write(
    `${name}: ${reason}\nrun ${runs}, seed ${seed}, input:\n${Buffer.from(input).toString('hex')}\n`,
  );
  process.exit(1);
}

for (const input of target.corpus) check(input);
while (performance.now() < deadline) {
  for (let count = 0; count < 500; count += 1) check(mutate(target.corpus, random, MAX_INPUT));
  if (heapAtStart === 0) heapAtStart = process.memoryUsage().heapUsed;
}
const heap = process.memoryUsage().heapUsed;
const elapsed = (performance.now() - started) / 1000;
process.stdout.write(
  `${name}: ${runs} inputs (${Math.round(runs / elapsed)} per second), slowest ${slowest.toFixed(1)} ms, ` +
    `heap ${(heapAtStart / 1e6).toFixed(0)} to ${(heap / 1e6).toFixed(0)} MB, no fault\n`,
);
