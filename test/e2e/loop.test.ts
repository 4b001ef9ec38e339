import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { CAPTURE_WAYS, type CaptureWay } from '../../src/capture/live-options.js';
import { deployment, labSkipReason } from '../lab/lab.js';
import { liveCaptureSkipReason, root } from './hellotap.js';
import type { LoopReport } from './loop-scenario.js';
import { loopServerName } from './loop-scenario.js';

const ids = ['nginx-default', 'haproxy-default', 'openssl-default'];
const apart = join(root, 'test/lab/apart.sh');

interface Golden {
  readonly deployment: string;
  readonly server_name: string | null;
  readonly fingerprint: string | null;
}

const golden = new Map(
  readFileSync(join(root, 'test/golden/fingerprints.jsonl'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Golden)
    .filter((row) => row.server_name === loopServerName)
    .map((row) => [row.deployment, row.fingerprint]),
);

function skipReason(capture: CaptureWay): string | false {
  const missing = labSkipReason(ids) || liveCaptureSkipReason(capture);
  if (missing !== false) return missing;
  for (const [command, ...args] of [
    ['tcpdump', '--version'],
    ['bash', apart, 'none', '--', 'true'],
  ] as [string, ...string[]][]) {
    try {
      execFileSync(command, args, { stdio: ['ignore', 'ignore', 'pipe'] });
    } catch {
      return command === 'bash' ? 'no right to make a network namespace' : `needs ${command}`;
    }
  }
  return false;
}

const places = [
  { mode: 'lo', place: 'loopback, probing allowed to 127.0.0.0/8', up: ids },
  { mode: 'veth', place: 'a veth pair between two namespaces, with a libpcap filter', up: ['none'] },
];
for (const { mode, place, up, capture } of places.flatMap((one) =>
  CAPTURE_WAYS.map((way) => ({ ...one, capture: way })),
)) {
  describe(`watch through ${capture} on ${place}`, { skip: skipReason(capture), timeout: 120_000 }, () => {
    let report: LoopReport;
    const flowsTo = (id: string) =>
      report.events.filter((event) => event.event_type === 'tls').filter((event) => addressOf(id) === event.dest_ip);
    const addressOf = (id: string): string =>
      mode === 'lo' ? deployment(id).address : deployment(id).address.replace('127.0.1.', '10.77.1.');

    before(async () => {
      const scenario = [
        process.execPath,
        '--import',
        'tsx',
        join(root, 'test/e2e/loop-scenario.ts'),
        mode,
        capture,
        ...ids,
      ];
      const { stdout } = await promisify(execFile)('bash', [apart, ...up, '--', ...scenario], {
        cwd: root,
        maxBuffer: 16 << 20,
      });
      report = JSON.parse(stdout) as LoopReport;
    });

    it('probes each server exactly once, with ten connections', () => {
      const probed = report.events
        .filter((event) => event.event_type === 'fingerprint')
        .map(({ hellotap }) => hellotap.ip);
      assert.deepEqual(probed.sort(), ids.map(addressOf).sort());
      assert.deepEqual(report.connections, Object.fromEntries(ids.map((id) => [id, 2 + 10])));
    });

    it('reports the client’s two visits and none of its own probes', () => {
      for (const id of ids) assert.equal(flowsTo(id).length, 2, id);
      assert.equal(report.events.filter((event) => event.event_type === 'tls').length, 2 * ids.length);
    });

    it('calls the first visit pending, and tags it later with the fingerprint of the paper’s scanner', () => {
      for (const id of ids) {
        const first = flowsTo(id)[0]!;
        assert.equal(first.hellotap.verdict.status, 'pending', id);
        const fingerprint = report.events.find(
          (event) => event.event_type === 'fingerprint' && event.hellotap.ip === addressOf(id),
        );
        assert.ok(fingerprint?.event_type === 'fingerprint', id);
        assert.equal(fingerprint.hellotap.fingerprint, golden.get(id), id);
        const tags = report.events.filter((event) => event.event_type === 'tag' && event.flow_id === first.flow_id);
        assert.equal(tags.length, 1, id);
        const [tag] = tags;
        assert.ok(tag?.event_type === 'tag' && tag.hellotap.verdict.status === 'known', id);
        assert.equal(tag.hellotap.verdict.fingerprint_id, fingerprint.hellotap.fingerprint_id, id);
        assert.equal(tag.src_port, first.src_port, id);
      }
    });

    it('knows the second visit from the cache', () => {
      for (const id of ids) {
        const { verdict } = flowsTo(id)[1]!.hellotap;
        assert.equal(verdict.status, 'known', id);
        assert.equal(verdict.cached, true, id);
      }
    });

    it('ends on SIGINT with exit code 130 and nothing to complain of', () => {
      assert.equal(report.exitCode, 130);
      assert.equal(report.stderr, '');
    });
  });
}
