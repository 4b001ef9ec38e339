import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import { decompressed } from '../src/decompress.js';
import { zstd, zstdSkipReason } from './zstd.js';

const damaged = (reason: string): Error => new Error(reason);
const plain = Buffer.concat([Buffer.from('a,b\n1,2\n'.repeat(100_000)), randomBytes(300_000)]);

async function* inPieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let i = 0; i < bytes.length; i += size) {
    await Promise.resolve();
    yield bytes.subarray(i, i + size);
  }
}

async function all(source: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const part of source) parts.push(Uint8Array.from(part));
  return Buffer.concat(parts);
}

const unpack = (bytes: Uint8Array, size = 10_007): Promise<Buffer> => all(decompressed(inPieces(bytes, size), damaged));

describe('bytes that come in packed or not', () => {
  it('are left as they are where they are not packed, be it a single byte', async () => {
    for (const bytes of [plain, Buffer.alloc(0), Buffer.from('a'), Buffer.from([0x1f]), Buffer.from([0x28, 0xb5])]) {
      assert.ok((await unpack(bytes, 1000)).equals(bytes));
    }
  });

  it('are unpacked from gzip, in one member or several, in pieces of any size', async () => {
    const gzip = gzipSync(plain);
    assert.ok((await unpack(gzip)).equals(plain));
    assert.ok((await unpack(Buffer.concat([gzip, gzip]))).equals(Buffer.concat([plain, plain])));
    const small = gzipSync('hello');
    assert.equal((await unpack(small, 1)).toString(), 'hello');
  });

  it('are named damaged where gzip data is cut or changed', async () => {
    const gzip = gzipSync(plain);
    const changed = Buffer.from(gzip);
    changed[gzip.length - 6]! ^= 1;
    for (const bytes of [gzip.subarray(0, -100), changed]) {
      await assert.rejects(unpack(bytes), /the gzip data is damaged/);
    }
  });

  it('let an error of the source through as it is', async () => {
    for (const start of [gzipSync(plain).subarray(0, 1000), plain.subarray(0, 1000)]) {
      const broken = async function* (): AsyncGenerator<Uint8Array> {
        yield* inPieces(start, 100);
        throw new Error('EIO');
      };
      await assert.rejects(all(decompressed(broken(), damaged)), /^Error: EIO$/);
    }
  });

  it('end the source when nobody reads on', async () => {
    for (const bytes of [plain, gzipSync(plain), ...(zstdSkipReason() === false ? [zstd(plain)] : [])]) {
      let ended = false;
      const source = async function* (): AsyncGenerator<Uint8Array> {
        try {
          yield* inPieces(bytes, 1000);
        } finally {
          ended = true;
        }
      };
      for await (const chunk of decompressed(source(), damaged)) if (chunk.length > 0) break;
      await new Promise(setImmediate);
      assert.ok(ended);
    }
  });
});

describe('zstd', { skip: zstdSkipReason() }, () => {
  it('is unpacked: fast and small, with skippable and empty frames, in pieces of any size', async () => {
    const packed = zstd(plain);
    const skippable = Buffer.from([0x5a, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3]);
    const empty = zstd(Buffer.alloc(0));
    for (const bytes of [packed, zstd(plain, '-19'), Buffer.concat([skippable, empty, packed, empty])]) {
      assert.ok((await unpack(bytes)).equals(plain));
    }
    const small = zstd(Buffer.from('hello'));
    assert.equal((await unpack(Buffer.concat([small, small]), 1)).toString(), 'hellohello');
  });

  it('is named damaged where it is cut, changed, or followed by something else', async () => {
    const packed = zstd(plain);
    const changed = Buffer.from(packed);
    changed[200_000]! ^= 1;
    for (const bytes of [packed.subarray(0, -100), changed, Buffer.concat([packed, Buffer.from('something else')])]) {
      await assert.rejects(unpack(bytes), /the zstd data is damaged/);
    }
  });

  it('is refused where it claims a window of gigabytes', async () => {
    // RFC 8878 section 3.1.1.1: no content size, no single segment, a window of 2^31 bytes.
    const frame = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, 21 << 3, 0x01, 0x00, 0x00]);
    await assert.rejects(unpack(Buffer.concat([frame, Buffer.alloc(100)])), /the zstd data is damaged/);
  });
});
