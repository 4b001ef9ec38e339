import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { CAPTURE_WAYS } from '../../src/capture/live-options.js';
import { liveCaptureSkipReason } from './hellotap.js';
import { apartArguments, tapSkipReason } from './tap.js';
import { GOLDEN_FLOWS, MOST_FLOWS, type TapReport } from './tap-scenario.js';

const script = join(import.meta.dirname, 'tap-scenario.ts');
const skip = liveCaptureSkipReason('ring') || tapSkipReason();

describe('watch on a tap into which captures are replayed', { skip, timeout: 300_000 }, () => {
  const directories: string[] = [];
  after(() => {
    for (const directory of directories) rmSync(directory, { recursive: true });
  });

  async function run(name: string, ...options: string[]): Promise<TapReport> {
    const directory = mkdtempSync(join(tmpdir(), 'hellotap-tap-'));
    directories.push(directory);
    chmodSync(directory, 0o755);
    const { stdout } = await promisify(execFile)('unshare', apartArguments(script, [name, directory, ...options]), {
      maxBuffer: 16 << 20,
    });
    return JSON.parse(stdout) as TapReport;
  }

  for (const options of [...CAPTURE_WAYS.map((way) => ['--capture', way]), ['--capture-threads', '2']]) {
    it(`${options.join(' ')}: packets received and dropped are those that were sent`, async (t) => {
      const missing = options.includes('cap') && liveCaptureSkipReason('cap');
      if (missing !== false) {
        t.skip(missing);
        return;
      }
      const { sent, capture, code } = await run('count', ...options);
      const { packets = 0, kernelDropped = 0, flowsEmitted } = capture;
      assert.equal(packets + kernelDropped, sent);
      if (kernelDropped === 0) assert.equal(flowsEmitted, 20 * GOLDEN_FLOWS);
      assert.equal(code, 130);
    });
  }

  it('puts VLAN tags back that the kernel took off, and filters by them', async () => {
    const all = await run('vlan');
    assert.deepEqual([...new Set(all.vlans)], ['[42]']);
    assert.equal(all.vlans.length, GOLDEN_FLOWS);
    const wanted = await run('vlan', '--filter', 'vlan 42 and tcp port 8443');
    assert.deepEqual([wanted.vlans.length, wanted.capture['packets']], [GOLDEN_FLOWS, wanted.sent]);
    const others = await run('vlan', '--filter', 'vlan 7 and tcp');
    assert.deepEqual([others.vlans.length, others.capture['packets']], [0, 0]);
  });

  for (const threads of ['1', '2']) {
    it(`follows an interface that goes down, and one that is made anew (threads: ${threads})`, async () => {
      const { flows, vlans, capture, anomalies, code, stderr } = await run('interface', '--capture-threads', threads);
      const [before = 0, between = 0, afterwards = 0] = flows;
      for (const seen of [before, between - before, afterwards - between]) {
        assert.ok(seen > MOST_FLOWS, String(flows));
      }
      assert.equal(vlans.length, 3 * GOLDEN_FLOWS);
      assert.deepEqual([capture['interfaceDowns'], capture['interfaceReturns']], [2, 2]);
      assert.deepEqual(anomalies, ['interface_down', 'interface_down']);
      assert.match(stderr, /interface near went down; .*\n.*interface near is back\n.*went down.*\n.*is back/);
      assert.equal(code, 130);
    });
  }

  describe('with --user', () => {
    let report: TapReport;
    before(async () => {
      report = await run('user', '--capture-threads', '2');
    });

    it('leaves no thread any right of root', () => {
      const [first] = report.rights;
      assert.match(first ?? '', /^65534 65534 65534 65534 \| 65534 65534 65534 65534 \| 65534 \| 0+ \| 0+$/);
      assert.deepEqual([...new Set(report.rights)], [first]);
    });

    it('goes on to capture, and writes files that are the user’s', () => {
      assert.equal(report.vlans.length, GOLDEN_FLOWS);
      assert.ok(report.files.length > 0 && report.files.every(({ uid, bytes }) => uid === 65_534 && bytes > 0));
    });
  });
});
