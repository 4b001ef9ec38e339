// goscanner's tables out, and its fingerprints.csv in again.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { parse } from 'csv-parse/sync';
import { alert, serverHello, withServer } from '../hostile/hostile-server.js';
import { outcome, start } from './hellotap.js';

const folder = mkdtempSync(join(tmpdir(), 'hellotap-goscanner-'));
after(() => {
  rmSync(folder, { recursive: true });
});

type Row = Readonly<Record<string, string>>;

function table(text: string): Row[] {
  return parse<Row>(text, { columns: true });
}

describe('probe --format goscanner', () => {
  it('writes three tables that belong together, and db import takes the fingerprints or the folder back', async () => {
    const out = join(folder, 'scan');
    const database = join(folder, 'x.db');
    await withServer(
      {
        onHello: (socket, hello) => {
          socket.end(Buffer.concat([serverHello(hello, { extensions: Buffer.from([255, 1, 0, 1, 0]) }), alert(2, 40)]));
        },
      },
      async (port) => {
        const args = ['probe', `127.0.0.1:${port},a.test`, '127.0.0.1:9', '--no-store', '--per-server-rate', '0'];
        await outcome(start([...args, '--format', 'goscanner', '--output', out]));
        const [fingerprints, hosts, verbose] = ['fingerprints', 'hosts', 'tls_verbose'].map((name) =>
          table(readFileSync(join(out, `${name}.csv`), 'utf8')),
        );
        assert.equal(fingerprints?.length, 1, 'a server without a whole fingerprint has no line');
        const [server] = fingerprints;
        assert.equal(server?.['server_name'], 'a.test');
        assert.match(server['fingerprint'] ?? '', /^771_[0-9a-f]+_65281\.____<40\|/);
        assert.equal(hosts?.filter((row) => row['resultString'] === 'CONNECTION REFUSED').length, 3);
        const answered = hosts.filter((row) => row['port'] === String(port));
        assert.equal(answered.length, 10);
        for (const row of answered) {
          const name = row['client_hello']?.replace('.json', '') ?? '';
          const details = verbose?.find(({ id }) => id === row['id']);
          assert.equal(details?.['fingerprint'], server[name]);
          assert.equal(details?.['server_hello_extensions'], '[[65281,"AA"]]');
          assert.equal(row['tls_alerts_received'], '[40]');
        }

        const toPipe = await outcome(start([...args, '--format', 'goscanner']));
        assert.deepEqual(table(toPipe.stdout), fingerprints);

        const imported = await outcome(
          start([
            ...['db', 'import', join(out, 'fingerprints.csv'), '--database', database],
            ...['--label', 'lab', '--kind', 'software', '--source', 'test'],
          ]),
        );
        assert.equal(imported.code, 0, imported.stderr);
        const shown = await outcome(
          start(['db', 'show', `127.0.0.1:${port}`, '--database', database, '--format', 'jsonl']),
        );
        assert.match(shown.stdout, /"sni":"a\.test"/);

        rmSync(join(out, 'fingerprints.csv'));
        const other = join(folder, 'y.db');
        const joined = await outcome(start(['db', 'import', out, '--database', other]));
        assert.equal(joined.code, 0, joined.stderr);
        const exported = await outcome(start(['db', 'export', 'fingerprints', '--database', other]));
        assert.deepEqual(table(exported.stdout), fingerprints);
      },
    );
  });
});
