import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { openFiles } from '../../src/capture/file-source.js';
import type { FlowBatch } from '../../src/capture/flow-batch.js';
import type { CaptureRecord } from '../../src/capture/flow-record.js';
import { Stop, type ClientSpans, type Teller } from '../../src/capture/teller.js';
import { openHelloSet } from '../../src/cli/hello-sets.js';
import { importFile } from '../../src/database/import.js';
import { Store } from '../../src/database/store.js';
import { FlowReader } from '../../src/engine/flow-reader.js';
import { clientHoles, serverHoles } from '../../src/engine/opening-holes.js';
import { openSession } from '../../src/engine/session.js';
import { readTlsFlow } from '../../src/engine/tls-flow.js';
import type { EventInput, EventSink, HellotapEvent, TlsEvent } from '../../src/output/event.js';
import { OwnHelloMark } from '../../src/probe/own-hello.js';
import { GOLDEN } from '../capture/captures.js';
import { batchOf } from './batches.js';

type Stats = Record<string, Record<string, number>>;

/** Takes events one by one. */
class EventLines implements EventSink {
  readonly all: string[] = [];
  write(event: HellotapEvent): void {
    this.all.push(JSON.stringify(event));
  }
  ready(): null {
    return null;
  }
  close(): Promise<void> {
    return Promise.resolve();
  }
}

/** Takes lines that are ready, too. */
class ReadyLines extends EventLines {
  told = 0;
  readonly lines = {
    memory: new Uint8Array(0),
    room(bytes: number): Uint8Array {
      return (this.memory = new Uint8Array(bytes));
    },
    filled: (bytes: number, lines: number): void => {
      const text = Buffer.from(this.lines.memory.buffer, 0, bytes).toString();
      assert.ok(text.endsWith('\n'));
      this.all.push(...text.slice(0, -1).split('\n'));
      this.told += lines;
    },
  };
}

const SAMPLES = join(import.meta.dirname, '../../samples');
/** But for chromium.pcapng, which brings keys along: with keys every flow is read. */
const CAPTURES = [
  ...readdirSync(join(SAMPLES, 'captures'))
    .filter((name) => name.endsWith('.pcap'))
    .map((name) => join(SAMPLES, 'captures', name)),
  join(GOLDEN, 'with-sni.pcap'),
  join(GOLDEN, 'without-sni.pcap'),
];

/** Flow numbers are counted on in a process. */
function withoutFlowIds(lines: readonly string[]): string[] {
  return lines.map((line) => line.replace(/"flow_id":\d+/, '"flow_id":0'));
}

describe('flows that are told without being read', () => {
  const folder = mkdtempSync(join(tmpdir(), 'hellotap-lines-'));
  after(() => {
    rmSync(folder, { recursive: true });
  });

  /** Everything that is said of the captures, each read three times, and the counters. */
  async function run<Sink extends EventLines>(store: Store, sink: Sink): Promise<{ sink: Sink; stats: Stats }> {
    const session = openSession({
      ...{ store, sink, probes: null, retryAfterMs: 0, c2Threshold: 0.9, minObservations: 1 },
      helloSet: () => openHelloSet('atsf-2022'),
      warn: (text) => assert.fail(text),
    });
    for (let pass = 0; pass < 3; pass++) {
      for (const capture of CAPTURES) {
        const source = openFiles([capture]);
        const input: EventInput = { pcap_filename: source.inputName(0) };
        const inputOf = (record: CaptureRecord): EventInput => (assert.equal(record.input, 0), input);
        for await (const batch of source.batches()) session.engine.acceptAll(batch, inputOf);
      }
    }
    const stats = session.stats();
    session.close();
    return { sink, stats };
  }

  const databases: readonly [name: string, fill: (store: Store) => Promise<unknown>][] = [
    ['nothing', () => Promise.resolve()],
    [
      'the servers of the samples',
      async (store) => {
        for (const table of ['fingerprints', 'labels']) {
          await importFile(store, join(SAMPLES, `starter/${table}.csv`), { source: 'starter' });
        }
      },
    ],
  ];
  const lists = join(folder, 'lists.csv');
  /** A certificate and a client of the samples, on lists. */
  const writeLists = (events: readonly string[]): void => {
    const { tls } = JSON.parse(events.find((line) => line.includes('"notbefore"')) ?? '') as TlsEvent;
    const { ja3 } = (JSON.parse(events.findLast((line) => line.includes('"ja3"')) ?? '') as TlsEvent).tls;
    assert.ok(tls.fingerprint !== undefined && ja3 !== undefined);
    const rows = [`cert-sha1:${tls.fingerprint},bad certificate,c2`, `ja3:${ja3.hash},odd client,other`];
    writeFileSync(lists, ['fingerprint,label,kind', ...rows, ''].join('\n'));
  };

  it('are those that are on no list of certificates and clients', async () => {
    const { sink: first } = await run(Store.open(join(folder, 'first.db')), new EventLines());
    writeLists(first.all);
    const open = async (kind: string): Promise<Store> => {
      const store = Store.open(join(folder, `${kind}-lists.db`));
      await importFile(store, lists, { source: 'lists' });
      return store;
    };
    const read = await run(await open('read'), new EventLines());
    const told = await run(await open('told'), new ReadyLines());
    assert.deepEqual(withoutFlowIds(told.sink.all), withoutFlowIds(read.sink.all));
    assert.ok(read.sink.all.some((line) => line.includes('bad certificate')));
    assert.ok(read.sink.all.some((line) => line.includes('odd client')));
    assert.ok(told.sink.told > 500, `${told.sink.told} of ${told.sink.all.length} were told`);
  });

  for (const [index, [name, fill]] of databases.entries()) {
    it(`are told alike, to the byte and in the same order, where the database knows ${name}`, async () => {
      const open = async (kind: string): Promise<Store> => {
        const store = Store.open(join(folder, `${kind}-${index}.db`));
        await fill(store);
        return store;
      };
      const read = await run(await open('read'), new EventLines());
      const told = await run(await open('told'), new ReadyLines());
      assert.deepEqual(withoutFlowIds(told.sink.all), withoutFlowIds(read.sink.all));
      assert.ok(told.sink.told > 900, `${told.sink.told} of ${told.sink.all.length} were told`);
      // A handshake that is like one that was held against its server's fingerprint is not held again.
      assert.deepEqual({ ...told.stats, drift: null }, { ...read.stats, drift: null });
    });
  }

  it('are not our own probes, however like they are to others', async () => {
    const { teller, ...of } = await learntHandshake();
    const batch = batchOf(of.client, of.server);
    const room = new Uint8Array(teller.maxLineBytes);
    const tell = (told: FlowBatch): [stop: Stop, lines: number] => {
      told.tell(teller, 0, 0, room);
      return [teller.stop, teller.lines];
    };
    teller.nameInput(0, '"in_iface":"tap0",');
    assert.deepEqual(tell(batch), [Stop.Answer, 0]);
    const verdict = Buffer.from('{"status":"known"}');
    batch.answer(teller, 0, { verdict, status: 'known', isForAnyName: true, until: 1, handshake: null });
    assert.deepEqual(tell(batch), [Stop.End, 1]);
    const key = randomBytes(32);
    teller.knowOwnHellos(key);
    const own = of.client.slice();
    const random = own.subarray(of.random.start, of.random.end);
    own.set(new OwnHelloMark(key).sessionIdFor(random), of.sessionId.start);
    assert.deepEqual(tell(batchOf(own, of.server)), [Stop.Other, 0]);
    assert.deepEqual(tell(batch), [Stop.End, 1]);
  });
});

/** A teller that has learnt a handshake without a certificate to be read, and with a session id of 32 bytes. */
async function learntHandshake(): Promise<{ teller: Teller; client: Uint8Array; server: Uint8Array } & ClientSpans> {
  const reader = new FlowReader(null);
  for await (const batch of openFiles([join(GOLDEN, 'with-sni.pcap')]).batches()) {
    for (const record of batch) {
      if (record.kind !== 'flow') continue;
      const { clientHello, serverHello, openings } = readTlsFlow(record);
      const client = record.client.bytes.slice();
      const server = record.server.bytes.slice();
      const holes = clientHello === null ? null : clientHoles(client, openings.client, clientHello);
      if (holes === null || serverHello === null || serverHoles(server, openings.server)?.certificate !== null)
        continue;
      if (holes.sessionId.end - holes.sessionId.start !== 32) continue;
      // A hello is worth a stencil when it comes again.
      for (let times = 0; times < 2; times++) reader.read(record);
      return { teller: reader.teller, client, server, ...holes };
    }
  }
  return assert.fail('there is no such handshake');
}
