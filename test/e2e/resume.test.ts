// A scan that is killed in the middle and resumed: the results together are those of an undisturbed run.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { FingerprintEvent } from '../../src/output/event.js';
import { alert, serverHello, withServer } from '../hostile/hostile-server.js';
import { outcome, start } from './hellotap.js';

const NAMES = 40;
const REFUSED = 260;
const HELLOS = 10;

const folder = mkdtempSync(join(tmpdir(), 'hellotap-resume-'));
after(() => {
  rmSync(folder, { recursive: true });
});

function linesOf(path: string): string[] {
  return existsSync(path) ? readFileSync(path, 'utf8').split('\n').slice(0, -1) : [];
}

/** What a run is to have found out, whatever it was that found it out, and when. */
function found(path: string): string[] {
  return linesOf(path)
    .map((line) => {
      const { ip, port, sni, hellos, outcome: outcomes } = (JSON.parse(line) as FingerprintEvent).hellotap;
      const sorted = (values: object): string => JSON.stringify(Object.entries(values).sort());
      return `${ip} ${port} ${sni ?? '-'} ${sorted(hellos)} ${sorted(outcomes)}`;
    })
    .sort();
}

describe('a scan', () => {
  it('that is killed and resumed finds what an undisturbed one finds, and probes nothing again that was done', async () => {
    /** Connections of each name that got as far as their Client Hello. */
    const seen = new Map<string, number>();
    await withServer(
      {
        onHello: (socket, hello) => {
          const name = hello.serverName ?? '';
          seen.set(name, (seen.get(name) ?? 0) + 1);
          socket.end(Buffer.concat([serverHello(hello), alert(2, 40)]));
        },
      },
      async (port) => {
        const targets = [
          ...Array.from({ length: NAMES }, (_, index) => `127.0.0.1:${port},n${index}.test`),
          ...Array.from({ length: REFUSED }, (_, index) => `127.0.${100 + (index >> 7)}.${(index & 127) + 1}:9`),
        ];
        // Both kinds mixed: 7919 is prime to their number.
        const mixed = targets.map((_, index) => targets[(index * 7919) % targets.length]);
        const list = join(folder, 'targets');
        writeFileSync(list, mixed.join('\n'));
        const scan = (path: string) =>
          start([
            ...['probe', '-i', list, '--output', path, '--resume', '--no-store', '--rate', '800'],
            ...['--per-server-rate', '0', '--shuffle-over', '20'],
          ]);

        const undisturbed = join(folder, 'undisturbed.jsonl');
        assert.equal((await outcome(scan(undisturbed))).code, 3, 'some refuse');
        assert.equal(found(undisturbed).length, NAMES + REFUSED);
        assert.ok([...seen.values()].every((count) => count === HELLOS));
        seen.clear();

        const killed = join(folder, 'killed.jsonl');
        const running = scan(killed);
        while (linesOf(killed).filter((line) => line.includes('.test"')).length < 5) await sleep(2);
        running.kill('SIGKILL');
        await once(running, 'close');
        const done = linesOf(killed);
        assert.ok(done.length < NAMES + REFUSED, 'killed too late');
        const doneNames = done.map((line) => (JSON.parse(line) as FingerprintEvent).hellotap.sni).filter(Boolean);
        assert.ok(doneNames.length > 0 && doneNames.length < NAMES);
        // What a kill in the middle of a write would leave.
        appendFileSync(killed, done[0]?.slice(0, 100) ?? '');

        await outcome(scan(killed));
        assert.deepEqual(found(killed), found(undisturbed));
        assert.deepEqual(linesOf(killed).slice(0, done.length), done, 'what was there stays as it was');
        for (const name of doneNames) assert.equal(seen.get(name ?? ''), HELLOS, `${name ?? ''} was probed again`);

        const size = readFileSync(killed).length;
        const idle = await outcome(scan(killed));
        assert.equal(idle.code, 0);
        assert.equal(readFileSync(killed).length, size, 'a scan that is complete adds nothing');
      },
    );
  });

  const refusals: [string, string, RegExp][] = [
    ['another program’s', '{"hello":1}\n', /line 1: not the result of a probe/],
    ['not JSON', 'ip,port\n', /line 1: no JSON/],
    [
      'of another hello set',
      '{"hellotap":{"ip":"127.0.0.1","port":1,"sni":null,"hello_set_digest":"00"}}\n',
      /another hello set/,
    ],
  ];
  for (const [what, text, message] of refusals)
    it(`is not resumed in a file that is ${what}, and the file stays as it is`, async () => {
      const path = join(folder, 'other.jsonl');
      writeFileSync(path, text);
      const { code, stderr } = await outcome(
        start(['probe', '127.0.0.1:9', '--no-store', '--output', path, '--resume']),
      );
      assert.equal(code, 1);
      assert.match(stderr, message);
      assert.equal(readFileSync(path, 'utf8'), text);
    });

  it('without a file to resume in is wrong usage', async () => {
    const { code, stderr } = await outcome(start(['probe', '127.0.0.1:9', '--no-store', '--resume']));
    assert.equal(code, 2);
    assert.match(stderr, /--resume needs --output FILE/);
  });
});
