// Unpacks what comes in packed, whether a table or a capture: gzip and zstd, told by their first bytes rather than by a
// file's name. In bounded memory, whatever a frame claims.
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { unpackedZstd } from './zstd.js';

/** How a stream of bytes is packed, by its first four bytes (RFC 1952 section 2.3.1, RFC 8878 section 3.1). */
export function packing(head: Uint8Array): 'gzip' | 'zstd' | null {
  if (head[0] === 0x1f && head[1] === 0x8b) return 'gzip';
  if (head.length < MAGIC_BYTES) return null;
  const magic = new DataView(head.buffer, head.byteOffset).getUint32(0, true);
  // A skippable frame may stand before the first one with content: pzstd writes one.
  return magic === ZSTD_FRAME || (magic & ~0xf) === ZSTD_SKIPPABLE ? 'zstd' : null;
}

const ZSTD_FRAME = 0xfd2fb528;
/** The last four bits are free. */
const ZSTD_SKIPPABLE = 0x184d2a50;

const MAGIC_BYTES = 4;
const CHUNK_BYTES = 1 << 20;

/**
 * The bytes of `source` without their packing; bytes that are not packed come through as they are.
 * Damaged data throws what `damaged` makes of the reason; an error of the source itself comes through unchanged.
 */
export async function* decompressed(
  source: AsyncIterable<Uint8Array>,
  damaged: (reason: string, cause: unknown) => Error,
): AsyncGenerator<Uint8Array> {
  const { head, whole } = await peek(source);
  const kind = packing(head);
  if (kind === 'gzip') yield* gunzipped(whole, damaged);
  else if (kind === 'zstd') yield* unpackedZstd(whole, damaged);
  else yield* whole;
}

/** The first bytes, however small the pieces are that they come in, and the stream with them in it. */
async function peek(
  source: AsyncIterable<Uint8Array>,
): Promise<{ head: Uint8Array; whole: AsyncGenerator<Uint8Array> }> {
  const chunks = source[Symbol.asyncIterator]();
  const first: Uint8Array[] = [];
  let length = 0;
  while (length < MAGIC_BYTES) {
    const next = await chunks.next();
    if (next.done === true) break;
    // Copied: a stream may use the chunk's memory again.
    first.push(Uint8Array.from(next.value));
    length += next.value.length;
  }
  const head = Buffer.concat(first);
  async function* whole(): AsyncGenerator<Uint8Array> {
    try {
      if (head.length > 0) yield head;
      for (let next = await chunks.next(); next.done !== true; next = await chunks.next()) yield next.value;
    } finally {
      await chunks.return?.();
    }
  }
  return { head, whole: whole() };
}

async function* gunzipped(
  source: AsyncIterable<Uint8Array>,
  damaged: (reason: string, cause: unknown) => Error,
): AsyncGenerator<Uint8Array> {
  const unpack = createGunzip({ chunkSize: CHUNK_BYTES });
  // Its failure comes out of the loop below as well.
  const fed = pipeline(source, unpack).catch(() => undefined);
  try {
    for await (const chunk of unpack) yield chunk as Uint8Array;
  } catch (error) {
    if (isFromZlib(error)) throw damaged(`the gzip data is damaged: ${error.message}`, error);
    throw error;
  }
  await fed;
}

/** Errors of zlib carry a code that begins with Z_; anything else went wrong before it. */
function isFromZlib(error: unknown): error is Error {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('Z_');
}
