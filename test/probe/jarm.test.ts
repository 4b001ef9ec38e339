// The acceptance test of JARM: the hashes that Salesforce's jarm.py gave for the lab's servers.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { loadHelloSet } from '../../src/probe/hello-set-file.js';
import type { ProbeResult } from '../../src/probe/probe-result.js';
import { Prober } from '../../src/probe/prober.js';
import { labSkipReason, useLab } from '../lab/lab.js';

const root = join(import.meta.dirname, '../..');
const golden = readFileSync(join(root, 'test/golden/jarm.csv'), 'utf8')
  .trim()
  .split('\n')
  .slice(1)
  .map((line) => {
    const [deployment = '', ip = '', port = '', jarm = ''] = line.split(',');
    return { deployment, ip, port: Number(port), jarm };
  });

describe('the lab’s servers have the JARM that jarm.py gives them', { skip: labSkipReason() }, () => {
  useLab();
  const helloSet = loadHelloSet(join(root, 'samples/hello-sets/jarm-2020'));
  const prober = new Prober({
    helloSet,
    jarm: helloSet,
    rate: 0,
    perServerRate: 0,
    concurrency: 32,
    connectTimeoutMs: 5_000,
    handshakeTimeoutMs: 5_000,
    retries: 0,
  });
  let results: Map<string, Promise<ProbeResult | null>> | null = null;
  for (const { deployment, ip, port, jarm } of golden) {
    it(deployment, async () => {
      results ??= new Map(
        golden.map((line) => [line.deployment, prober.probe({ address: line.ip, port: line.port, serverName: null })]),
      );
      const result = await results.get(deployment);
      assert.ok(result, `${ip}:${port} was probed`);
      assert.equal(result.jarm?.hash, jarm, result.jarm?.raw);
    });
  }

  it('the features of the paper over JARM’s hellos are there beside it', async () => {
    const result = await results?.get('go-default');
    assert.ok(result?.fingerprint);
    assert.equal(result.helloSet, 'jarm-2020');
    assert.equal(result.helloSetDigest, helloSet.digest);
    assert.equal(result.outcome['jarm07-tls13-forward'], 'ok');
    assert.equal(result.fingerprint.split('|').length, 10);
  });

  it('a server of TLS 1.2 that agrees on the extended master secret is followed to Finished', async () => {
    const result = await results?.get('nginx-tls12');
    assert.match(result?.hellos['jarm01-tls12-forward'] ?? '', /(^|-|_)23\./);
    assert.equal(result?.outcome['jarm01-tls12-forward'], 'ok');
  });
});
