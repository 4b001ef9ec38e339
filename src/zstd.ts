// zstd, by the reference decoder as WebAssembly: Node.js 20 has none of its own, and that of Node.js 24 drops without a
// word all that comes after the first frame. The wrapper around the decoder pulls chunks from a synchronous iterable and
// tells nothing of errors; both are mended here.

/** A damaged frame makes the wrapper go round for ever; frames without content make it do so for a while. */
const MOST_IDLE_STEPS = 1000;

/**
 * Unpacks zstd data in bounded memory: checksums are verified, and a window of more than 128 MiB is refused.
 * Damaged data throws what `damaged` makes of the reason.
 */
export async function* unpackedZstd(
  source: AsyncIterable<Uint8Array>,
  damaged: (reason: string, cause: unknown) => Error,
): AsyncGenerator<Uint8Array> {
  const { ZSTDDecoder } = await import('zstddec/stream');
  const decoder = new ZSTDDecoder();
  await decoder.init();
  const input = new OneChunk(source);
  const output = decoder.decodeStreaming(input);
  try {
    for (let idle = 0; idle < MOST_IDLE_STEPS;) {
      await input.fill();
      const taken = input.taken;
      const step = stepOf(output, damaged);
      if (step.done === true) return;
      if (step.value.length > 0) yield step.value;
      idle = step.value.length > 0 || input.taken > taken ? 0 : idle + 1;
    }
  } finally {
    await input.close();
  }
  throw damaged('the zstd data is damaged', undefined);
}

function stepOf(
  output: Generator<Uint8Array>,
  damaged: (reason: string, cause: unknown) => Error,
): IteratorResult<Uint8Array, unknown> {
  try {
    return output.next();
  } catch (error) {
    throw damaged('the zstd data is damaged: it ends too early', error);
  }
}

/** Holds the next chunk of an asynchronous source ready for one who cannot wait: a step takes one at most. */
class OneChunk implements Iterable<Uint8Array> {
  readonly #source: AsyncIterator<Uint8Array>;
  #next: Uint8Array | null = null;
  #ended = false;
  /** How many were taken. */
  taken = 0;

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#source = source[Symbol.asyncIterator]();
  }

  async fill(): Promise<void> {
    while (this.#next === null && !this.#ended) {
      const next = await this.#source.next();
      if (next.done === true) this.#ended = true;
      else if (next.value.length > 0) this.#next = next.value;
    }
  }

  /** Nobody reads on. */
  async close(): Promise<void> {
    await this.#source.return?.();
  }

  *[Symbol.iterator](): Generator<Uint8Array> {
    for (let chunk = this.#next; chunk !== null; chunk = this.#next) {
      this.#next = null;
      this.taken += 1;
      yield chunk;
    }
  }
}
