// `watch` is killed at random moments while it probes and stores: each server whose tag it has written is in the database.
// KILLS=200 node --import tsx --test test/database/crash-watch.test.ts kills more often.
import assert from 'node:assert/strict';
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect, createServer, type Server } from 'node:tls';
import { findServer } from '../../src/database/servers.js';
import { Store } from '../../src/database/store.js';
import { verifyDatabase } from '../../src/database/verify.js';
import type { HellotapEvent } from '../../src/output/event.js';
import { liveCaptureSkipReason, program } from '../e2e/hellotap.js';
import { freshPath } from './scratch.js';

const KILLS = Number(process.env['KILLS'] ?? 3);
const SERVER_NAME = 'crash.test';
/** From the first tag to the kill at most; the client visits servers meanwhile. */
const LONGEST_MS = 1000;
const MOST_VISITS = 250;
const skip = process.getuid?.() === 0 ? liveCaptureSkipReason() : 'needs the right to capture';

let server: Server | null = null;
let port = 0;

before(async () => {
  if (skip !== false) return;
  const [key, cert] = [freshPath('.key'), freshPath('.pem')];
  execFileSync(
    'openssl',
    [
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'],
      ...['-subj', `/CN=${SERVER_NAME}`, '-keyout', key, '-out', cert],
    ],
    { stdio: 'pipe' },
  );
  server = createServer({ key: readFileSync(key), cert: readFileSync(cert) });
  server.on('tlsClientError', () => undefined);
  server.on('secureConnection', (socket) => socket.on('error', () => undefined).once('data', () => socket.end('bye')));
  // Every address of 127.0.0.0/8 is this machine: each stands for another server.
  server.listen(0, '0.0.0.0');
  await once(server, 'listening');
  port = (server.address() as AddressInfo).port;
});
after(() => {
  server?.close();
});

function watch(database: string): { child: ChildProcess; said: () => HellotapEvent[] } {
  const child = spawn(
    process.execPath,
    [
      ...[program, 'watch', 'lo', '--format', 'jsonl', '--database', database],
      ...['--filter', `tcp port ${port}`, '--probe-networks', '127.0.0.0/8', '--per-server-rate', '0'],
      ...['--rate', '1000', '--stats-interval', '0.2', '--quiet'],
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (more: string) => (text += more));
  return {
    child,
    said: () =>
      text
        .split('\n')
        .slice(0, -1)
        .map((line) => JSON.parse(line) as HellotapEvent),
  };
}

/** A whole handshake with the server at an address, and something said and answered after it. */
async function visit(address: string): Promise<void> {
  const socket = connect({ host: address, port, servername: SERVER_NAME, rejectUnauthorized: false });
  socket.on('error', () => undefined);
  socket.write('hello');
  socket.resume();
  await Promise.race([once(socket, 'close'), sleep(2000)]);
  socket.destroy();
}

/** A number of [0, 1) for a run, the same in every series. */
function moment(run: number): number {
  return createHash('sha256').update(`kill watch ${run}`).digest().readUInt16BE(0) / 65_536;
}

describe('a watch that is killed', { skip }, () => {
  it(`has stored every server that it has tagged, ${KILLS} times`, async (t) => {
    const path = freshPath();
    Store.open(path).close();
    /** Address to the server name under which it was tagged: a tap that begins late may have missed the Client Hello. */
    const tagged = new Map<string, string | null>();
    let interrupted = 0;
    for (let run = 0; run < KILLS; run++) {
      const { child, said } = watch(path);
      const closed = once(child, 'close');
      // The first stats event tells that it looks on.
      while (said().length === 0 && child.exitCode === null) await sleep(20);
      assert.equal(child.exitCode, null, 'watch did not start');
      const tags = (): HellotapEvent[] => said().filter((event) => event.event_type === 'tag');
      let end = Infinity;
      let visited = 0;
      while (visited < MOST_VISITS && performance.now() < end) {
        visited += 1;
        await visit(`127.${1 + Math.floor(run / 250)}.${run % 250}.${visited}`);
        if (end === Infinity && tags().length > 0) end = performance.now() + moment(run) * LONGEST_MS;
      }
      child.kill('SIGKILL');
      await closed;
      assert.equal(child.signalCode, 'SIGKILL');
      for (const tag of tags()) {
        // Without `probed_at` it says that there was no probe (or that its result could not be stored, which is counted).
        if (tag.event_type !== 'tag' || !('probed_at' in tag.hellotap.verdict)) continue;
        tagged.set(tag.dest_ip, tag.hellotap.sni);
      }
      if (tags().length < visited) interrupted += 1;
      const store = Store.open(path, { create: false });
      assert.deepEqual(verifyDatabase(store).damages, []);
      store.close();
    }
    const store = Store.open(path, { create: false });
    for (const [address, serverName] of tagged) {
      const [found] = findServer(store, { address, port, serverName });
      assert.ok(found !== undefined, `${address} was tagged and is not there`);
    }
    store.close();
    t.diagnostic(`${interrupted} of ${KILLS} kills met work that was not done; ${tagged.size} tagged servers found`);
    assert.ok(tagged.size >= KILLS && interrupted > KILLS / 2);
  });
});
