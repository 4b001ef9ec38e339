// Captures as analysts have them: compressed, rotated, with their keys inside. What `triage` says of them has to be what
// it says of the plain capture.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import { GOLDEN, pcap, pcapng, PcapngBuilder, readFrames, WITH_SNI } from '../capture/captures.js';
import { compressions } from '../capture/compressed.js';
import { outcome, start, type Outcome } from './hellotap.js';

const directory = mkdtempSync(join(tmpdir(), 'hellotap-captures-'));
after(() => {
  rmSync(directory, { recursive: true });
});

function file(name: string, content: Uint8Array): string {
  const path = join(directory, name);
  writeFileSync(path, content);
  return path;
}

interface Event {
  readonly event_type: string;
  readonly pcap_filename?: string;
  readonly anomaly?: { readonly code: string; readonly offset?: number };
  readonly hellotap?: { readonly handshake?: string };
  readonly stats?: { readonly captures: object };
}

interface Triaged extends Outcome {
  readonly events: readonly Event[];
}

async function triage(args: readonly string[], input?: Uint8Array): Promise<Triaged> {
  const child = start(['triage', '--format', 'jsonl', '--database', join(directory, 'test.db'), ...args], {}, input);
  const ended = await outcome(child);
  const lines = ended.stdout.trim().split('\n').filter(Boolean);
  return { ...ended, events: lines.map((line) => JSON.parse(line) as Event) };
}

/** The flows, without what differs from run to run and from place to place; in an order of their own. */
function flows({ events }: Triaged): string[] {
  return events
    .filter(({ event_type }) => event_type === 'tls')
    .map((event) => JSON.stringify({ ...event, flow_id: 0, pcap_filename: '' }).replace(/"cached":\w+/, ''))
    .sort();
}

const frames = readFrames(WITH_SNI).slice(0, 500);
const capture = pcap(frames);
const plain = await triage([file('plain.pcap', capture)]);

describe('triage reads', () => {
  it('a capture to begin with', () => {
    assert.equal(plain.code, 0, plain.stderr);
    assert.ok(flows(plain).length > 40);
  });

  for (const [name, compress] of compressions) {
    const skip = compress === null && `needs ${name}`;
    it(`a capture that is compressed with ${name}, whatever its name`, { skip }, async () => {
      const seen = await triage([file(`packed-${name}.pcap`, compress!(capture))]);
      assert.equal(seen.code, 0, seen.stderr);
      assert.deepEqual(flows(seen), flows(plain));
    });

    it(`standard input that is compressed with ${name}`, { skip }, async () => {
      for (const bytes of [capture, pcapng(frames)]) {
        const seen = await triage(['-'], compress!(bytes));
        assert.equal(seen.code, 0, seen.stderr);
        assert.deepEqual(flows(seen), flows(plain));
      }
    });

    it(`what is there of a ${name} file that was cut off: exit code 3, the file and the offset`, { skip }, async () => {
      const bytes = compress!(pcap(readFrames(WITH_SNI)));
      const half = file(`half-${name}`, bytes.subarray(0, bytes.length >> 1));
      const seen = await triage([half]);
      assert.equal(seen.code, 3);
      assert.ok(flows(seen).length > 40);
      assert.match(
        seen.stderr,
        new RegExp(`half-${name}: damaged \\(truncated_compression at offset ${bytes.length >> 1}`),
      );
      assert.equal(seen.stderr.trim().split('\n').length, 1, seen.stderr);
    });
  }

  it('a folder of rotated captures, some of them compressed, as one stream', async () => {
    const folder = join(directory, 'rotated');
    mkdirSync(folder);
    // Named against the order of time.
    for (const [index, name] of ['c.pcap', 'b.pcap.gz', 'a.pcap'].entries()) {
      const part = pcap(frames.slice(index * 170, (index + 1) * 170));
      writeFileSync(join(folder, name), name.endsWith('gz') ? gzipSync(part) : part);
    }
    writeFileSync(join(folder, 'notes.gz'), gzipSync('These are notes.'));
    const seen = await triage([folder]);
    assert.equal(seen.code, 0, seen.stderr);
    assert.deepEqual(flows(seen), flows(plain));
    const names = new Set(
      seen.events.flatMap(({ event_type, pcap_filename }) => (event_type === 'tls' ? pcap_filename : [])),
    );
    assert.deepEqual(
      [...names].sort(),
      ['a.pcap', 'b.pcap.gz', 'c.pcap'].map((name) => join(folder, name)),
    );
    assert.deepEqual(seen.events.at(-1)?.stats?.captures, { read: 3, failed: 0 });
  });

  it('two copies of a capture once, and each by itself with --separate, in the order given', async () => {
    const copies = ['z', 'y'].map((name) => file(`copy-${name}`, capture));
    assert.deepEqual(flows(await triage(copies)), flows(plain));
    const apart = await triage([...copies, '--separate']);
    assert.equal(apart.code, 0, apart.stderr);
    assert.deepEqual(flows(apart), [...flows(plain), ...flows(plain)].sort());
    const names = apart.events.flatMap(({ event_type, pcap_filename }) => (event_type === 'tls' ? pcap_filename : []));
    assert.deepEqual(names, [...names].sort().reverse());
    assert.deepEqual(apart.events.at(-1)?.stats?.captures, { read: 2, failed: 0 });
    const both = await triage([...copies, '--separate', '--follow']);
    assert.equal(both.code, 2);
    assert.match(both.stderr, /--separate: captures that are followed are one stream/);
  });

  it('several captures in the order of time, without the one that is none', async () => {
    const parts = [
      file('1', pcap(frames.slice(250))),
      file('none', Buffer.from('none')),
      file('0', pcap(frames.slice(0, 250))),
    ];
    const seen = await triage(parts);
    assert.equal(seen.code, 3);
    assert.match(seen.stderr, /none: is not a capture but text/);
    assert.deepEqual(flows(seen), flows(plain));
    assert.deepEqual(seen.events.at(-1)?.stats?.captures, { read: 2, failed: 1 });
  });
});

describe('a pcapng with a key log inside', () => {
  const keyLog = readFileSync(join(GOLDEN, 'with-sni.keylog'));
  const all = readFrames(WITH_SNI);

  /** A decryption secrets block: type of secrets, length, secrets. */
  function secrets(builder: PcapngBuilder, text: Buffer, type = 0x544c534b): PcapngBuilder {
    const head = Buffer.alloc(8);
    if (builder.order === 'little') head.writeUInt32LE(text.length, head.writeUInt32LE(type));
    else head.writeUInt32BE(text.length, head.writeUInt32BE(type));
    return builder.block(10, Buffer.concat([head, text]));
  }

  const handshakes = ({ events }: Triaged): string[] =>
    events.flatMap(({ hellotap }) => hellotap?.handshake ?? []).sort();

  it('is read as with --keylog', async () => {
    const wanted = await triage([WITH_SNI, '--keylog', join(GOLDEN, 'with-sni.keylog')]);
    assert.ok(handshakes(wanted).length > 400);
    assert.deepEqual(handshakes(await triage([WITH_SNI])), []);
    for (const order of ['little', 'big'] as const) {
      const inside = secrets(new PcapngBuilder(order), keyLog).interface().packets(all).bytes();
      const seen = await triage([file(`inside-${order}.pcapng`, inside)]);
      assert.equal(seen.code, 0, seen.stderr);
      assert.deepEqual(handshakes(seen), handshakes(wanted));
      assert.deepEqual(handshakes(await triage(['-'], gzipSync(inside))), handshakes(wanted));
    }
    // In several blocks, without an end of line, far longer than is held at once, and among secrets of other protocols.
    const half = keyLog.indexOf('\n', keyLog.length >> 1);
    const builder = secrets(
      new PcapngBuilder().interface(),
      Buffer.concat([Buffer.alloc(3 << 20, '# comment\n'), keyLog.subarray(0, half)]),
    );
    secrets(builder, Buffer.alloc(999, 'A'), 0x57474b4c).packets(all.slice(0, 1000));
    secrets(builder, keyLog.subarray(half + 1, -1)).packets(all.slice(1000));
    // What the second block opens begins behind it.
    const late = handshakes(await triage([file('parts.pcapng', builder.bytes())]));
    assert.ok(late.length > 100 && late.length <= handshakes(wanted).length);
  });

  it('that editcap put there is read', { skip: !has('editcap') && 'needs editcap' }, async () => {
    const path = join(directory, 'injected.pcapng');
    const option = `tls,${join(GOLDEN, 'with-sni.keylog')}`;
    execFileSync('editcap', ['-F', 'pcapng', '--inject-secrets', option, WITH_SNI, path]);
    assert.ok(handshakes(await triage([path])).length > 400);
  });

  it('of which the length is wrong is told, and the packets are read', async () => {
    const wrong = secrets(new PcapngBuilder().interface(), Buffer.from('x'.repeat(20)));
    const bytes = wrong.packets(frames).bytes();
    bytes.writeUInt32LE(0xfffffff0, bytes.indexOf('KSLT') + 4);
    const seen = await triage([file('wrong.pcapng', bytes)]);
    assert.equal(seen.code, 3);
    assert.match(seen.stderr, /damaged \(bad_block at offset \d+\)/);
    assert.equal(flows(seen).length, flows(plain).length);
  });
});

describe('triage --follow', () => {
  for (const stop of ['SIGINT', 'SIGTERM'] as const) {
    it(`reports flows as they are written, and ends by ${stop} with exit code 130`, async () => {
      const growing = file(`growing-${stop}`, capture.subarray(0, 10_007));
      const args = ['--follow', '--format', 'jsonl', '--database', join(directory, 'test.db')];
      const child = start(['triage', growing, ...args]);
      const ended = outcome(child);
      let events = 0;
      let isWritten = false;
      child.stdout.on('data', (text: string) => {
        // The first events show that it waits; those behind them, that it goes on.
        if (!isWritten) appendFileSync(growing, capture.subarray(10_007));
        isWritten = true;
        events += text.split('"event_type":"tls"').length - 1;
        // A second signal would end it at once.
        if (events > flows(plain).length - 10 && !child.killed) child.kill(stop);
      });
      const { code, stdout, stderr } = await ended;
      assert.equal(code, 130, stderr);
      assert.equal(stderr, '');
      const lines = stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as Event);
      const seen = flows({ code, stdout, stderr, events: lines });
      // Those that were over before it was stopped are the same; what was still going on was handed over as it was.
      assert.ok(seen.filter((flow) => flows(plain).includes(flow)).length > flows(plain).length - 10);
      assert.equal(lines.at(-1)?.event_type, 'stats');
    });
  }

  it('refuses a stream, which is followed anyway', async () => {
    const { code, stderr } = await triage(['--follow', '-']);
    assert.equal(code, 2);
    assert.match(stderr, /only files and folders/);
  });

  it('refuses a file that is not there', async () => {
    const { code, stderr } = await triage(['--follow', join(directory, 'gone')]);
    assert.equal(code, 1);
    assert.match(stderr, /gone: no such file/);
  });
});

function has(command: string): boolean {
  try {
    execFileSync(command, ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
