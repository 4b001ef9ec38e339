import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { BaselineAlertEvent, BaselineEvent, HellotapEvent } from '../../src/output/event.js';
import { Nginx, nginxSkipReason, type NginxConfig } from '../baseline/nginx.js';
import { hellotap, liveCaptureSkipReason, outcome, start } from './hellotap.js';

const BOTH = 'ssl_protocols TLSv1.2 TLSv1.3;';
const ONLY_12 = 'ssl_protocols TLSv1.2;';
const ASKS = 'ssl_verify_client on; ssl_client_certificate {{folder}}/rsa.crt;';
const RENEWED = 'ssl_certificate {{folder}}/renewed.crt; ssl_certificate_key {{folder}}/renewed.key;';
const config = (directives: string, listen = ''): NginxConfig => ({ directives, listen });

/** One directive changed, and what the change has to be called: the first of the subjects. */
const CHANGES: readonly (readonly [what: string, from: NginxConfig, to: NginxConfig, subject: string])[] = [
  ['a version is dropped', config(BOTH), config(ONLY_12), 'protocol version'],
  ['a version is added', config(ONLY_12), config(BOTH), 'protocol version'],
  ['the older version is dropped', config(BOTH), config('ssl_protocols TLSv1.3;'), 'protocol version'],
  [
    'ciphers are taken away',
    config(BOTH),
    config(`${BOTH} ssl_ciphers ECDHE-RSA-AES256-GCM-SHA384:AES256-GCM-SHA384;`),
    'cipher suite',
  ],
  [
    'the order of ciphers',
    config(
      `${ONLY_12} ssl_prefer_server_ciphers on; ssl_ciphers AES128-GCM-SHA256:AES256-GCM-SHA384:AES128-SHA:AES256-SHA;`,
    ),
    config(
      `${ONLY_12} ssl_prefer_server_ciphers on; ssl_ciphers AES256-SHA:AES128-SHA:AES256-GCM-SHA384:AES128-GCM-SHA256;`,
    ),
    'cipher suite',
  ],
  ['HTTP/2 is offered', config(BOTH), config(BOTH, 'http2'), 'application protocol'],
  ['HTTP/2 is gone', config(ONLY_12, 'http2'), config(ONLY_12), 'application protocol'],
  ['session tickets are switched off', config(BOTH), config(`${BOTH} ssl_session_tickets off;`), 'session ticket'],
  ['a client certificate is asked for', config(BOTH), config(`${BOTH} ${ASKS}`), 'client certificate request'],
  [
    'a client certificate is asked for in TLS 1.2',
    config(ONLY_12),
    config(`${ONLY_12} ${ASKS}`),
    'client certificate request',
  ],
  [
    'a client certificate is no longer asked for',
    config(`${BOTH} ${ASKS}`),
    config(BOTH),
    'client certificate request',
  ],
  ['another curve', config(BOTH), config(`${BOTH} ssl_ecdh_curve secp384r1;`), 'key exchange group'],
  ['another curve in TLS 1.2', config(ONLY_12), config(`${ONLY_12} ssl_ecdh_curve secp384r1;`), 'key exchange group'],
];

describe('hellotap baseline with nginx', { skip: nginxSkipReason(), timeout: 180_000 }, () => {
  let nginx: Nginx;
  let databases = 0;
  const QUICK = ['--per-server-rate', '0', '--rate', '1000', '--connect-timeout', '5', '--handshake-timeout', '5'];
  const record = (database: string, ...more: string[]) =>
    hellotap('baseline', 'record', nginx.server, '--database', database, '--format', 'jsonl', ...QUICK, ...more);
  const check = (database: string, ...more: string[]) =>
    hellotap('baseline', 'check', '--database', database, '--confirm-after', '0', ...QUICK, ...more);
  const eventsOf = (text: string): [BaselineEvent, ...BaselineAlertEvent[]] =>
    text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown) as [BaselineEvent, ...BaselineAlertEvent[]];
  const freshDatabase = (): string => join(nginx.folder, `${databases++}.db`);

  before(async () => {
    nginx = await Nginx.prepare();
  });
  after(() => nginx.dispose());

  for (const [what, from, to, subject] of CHANGES) {
    it(`reports and names it when ${what}`, async () => {
      const database = freshDatabase();
      await nginx.serve(from);
      assert.equal((await record(database)).code, 0);
      await nginx.serve(to);
      const { code, stdout, stderr } = await check(database, '--format', 'jsonl');
      assert.equal(code, 3, stderr);
      const [{ hellotap: found }, alert, ...rest] = eventsOf(stdout);
      assert.deepEqual(rest, []);
      assert.equal(found.status, 'changed');
      assert.equal(found.subjects[0], subject, JSON.stringify(found.changes));
      assert.equal(found.probes, 2);
      assert.deepEqual(found.unsteady, []);
      assert.equal(alert?.event_type, 'alert');
      assert.equal(alert.alert.signature_id, 1_990_011);
      assert.equal(alert.alert.signature, `hellotap baseline: server has changed (${found.subjects.join(', ')})`);
      assert.deepEqual([alert.dest_ip, alert.dest_port], ['127.0.0.1', nginx.port]);
    });
  }

  it('never says so of an unchanged server, in 20 runs', async () => {
    const database = freshDatabase();
    await nginx.serve(config(BOTH, 'http2'));
    assert.equal((await record(database, '--jarm', '--http', '--certificate')).code, 0);
    for (let run = 0; run < 20; run++) {
      const { code, stdout, stderr } = await check(database, '--format', 'jsonl');
      const [{ hellotap: found }, ...more] = eventsOf(stdout);
      assert.deepEqual([code, stderr, found.status, found.probes, more.length], [0, '', 'unchanged', 1, 0]);
    }
  });

  it('accepts a new state where it is recorded again, and says what has changed', async () => {
    const database = freshDatabase();
    await nginx.serve(config(BOTH));
    await record(database);
    await nginx.serve(config(ONLY_12));
    const [{ hellotap: accepted }] = eventsOf((await record(database)).stdout);
    assert.equal(accepted.status, 'recorded');
    assert.deepEqual(accepted.subjects, ['protocol version']);
    assert.equal((await check(database)).code, 0);
  });

  it('tells of another certificate where it was recorded, and only there', async () => {
    const [with_, without] = [freshDatabase(), freshDatabase()];
    await nginx.serve(config(BOTH));
    await record(with_, '--certificate');
    await record(without);
    await nginx.serve(config(`${BOTH} ${RENEWED}`));
    assert.equal((await check(without)).code, 0);
    const { code, stdout } = await check(with_, '--format', 'jsonl');
    assert.equal(code, 3);
    assert.deepEqual(eventsOf(stdout)[0].hellotap.subjects, ['certificate']);
  });

  it('calls a server unreachable that is gone, without an alert', async () => {
    const database = freshDatabase();
    await nginx.serve(config(BOTH));
    await record(database);
    await nginx.stop();
    const { code, stdout, stderr } = await check(database, '--format', 'jsonl');
    assert.equal(code, 1);
    const events = eventsOf(stdout);
    assert.equal(events.length, 1);
    assert.deepEqual([events[0].hellotap.status, events[0].hellotap.reason], ['unreachable', 'refused']);
    assert.match(stderr, /unreachable \(refused\)/);
  });

  it('checks those that are named, lists and forgets', async () => {
    const database = freshDatabase();
    await nginx.serve(config(BOTH));
    await record(database, `${nginx.server},www.lab.test`);
    const named = await hellotap('baseline', 'check', `${nginx.server},www.lab.test`, '--database', database, ...QUICK);
    assert.equal(named.code, 0);
    assert.equal(named.stdout.trim().split('\n').length, 1);
    const both = await hellotap('baseline', 'check', nginx.server, '127.0.0.2', '--database', database, ...QUICK);
    assert.equal(both.code, 3);
    assert.equal(both.stdout.trim().split('\n').length, 2);
    assert.match(both.stderr, /127\.0\.0\.2:443: its state is not recorded/);
    const list = async (): Promise<string[]> =>
      (await hellotap('baseline', 'list', '--database', database)).stdout
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => (JSON.parse(line) as { server: string }).server);
    assert.deepEqual(await list(), [nginx.server, `${nginx.server},www.lab.test`]);
    const forget = await hellotap('baseline', 'forget', `${nginx.server},www.lab.test`, '--database', database);
    assert.equal(forget.code, 0);
    assert.deepEqual(await list(), [nginx.server]);
    assert.equal((await hellotap('baseline', 'forget', nginx.server, '--database', database)).code, 0);
    assert.equal((await check(database)).code, 2);
  });

  it('sends no packet to an excluded server', async () => {
    const database = freshDatabase();
    await nginx.serve(config(BOTH));
    await record(database);
    const list = join(nginx.folder, 'exclude.txt');
    writeFileSync(list, '127.0.0.0/8\n');
    const { code, stderr } = await check(database, '--exclude', list);
    assert.equal(code, 1);
    assert.match(stderr, /unreachable \(excluded\)/);
  });

  it('is checked by a running watch as well, unseen by the watch itself', { skip: watchSkipReason() }, async () => {
    const database = freshDatabase();
    await nginx.serve(config(BOTH));
    await record(database);
    const output = join(nginx.folder, 'watch.jsonl');
    const child = start([
      ...['watch', 'lo', '--filter', `tcp port ${nginx.port}`, '--database', database, '--output', output],
      ...['--format', 'jsonl', '--baseline', '0.001', '--probe-networks', '127.0.0.0/8', ...QUICK],
    ]);
    const ended = outcome(child);
    const events = (): HellotapEvent[] =>
      existsSync(output)
        ? readFileSync(output, 'utf8')
            .split('\n')
            .filter((line) => line.endsWith('}'))
            .map((line) => JSON.parse(line) as HellotapEvent)
        : [];
    const seen = (status: string): boolean =>
      events().some((event) => event.event_type === 'baseline' && event.hellotap.status === status);
    const until = async (done: () => boolean): Promise<void> => {
      for (let tries = 0; tries < 300 && !done(); tries++) await sleep(100);
    };
    await until(() => seen('unchanged'));
    await nginx.serve(config(ONLY_12));
    await until(() => events().some(({ event_type }) => event_type === 'alert'));
    child.kill('SIGINT');
    assert.equal((await ended).code, 130);
    const types = events().map(({ event_type }) => event_type);
    assert.ok(seen('unchanged') && seen('changed') && types.includes('alert'), types.join(' '));
    assert.ok(!types.includes('tls'));
    const stats = events().findLast((event) => event.event_type === 'stats')!.stats;
    assert.ok(((stats['engine'] as Record<string, number>)['own_probes'] ?? 0) >= 20);
    assert.ok(((stats['baselines'] as Record<string, number>)['changed'] ?? 0) >= 1);
  });
});

function watchSkipReason(): string | false {
  return liveCaptureSkipReason('ring') || (process.getuid?.() === 0 ? false : 'needs the right to capture');
}
