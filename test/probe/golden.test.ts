// The acceptance test of the prober: what it sees of the lab's servers is what the paper's scanner saw.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { loadHelloSet } from '../../src/probe/hello-set-file.js';
import type { ProbeResult } from '../../src/probe/probe-result.js';
import { Prober } from '../../src/probe/prober.js';
import { deployments, goldenSkipReason, labSkipReason, serverLogs, serverProcess, useLab } from '../lab/lab.js';

const root = join(import.meta.dirname, '../..');

interface GoldenLine {
  readonly deployment: string;
  readonly ip: string;
  readonly port: number;
  readonly server_name: string | null;
  readonly hellos: Readonly<Record<string, string | null>>;
  readonly fingerprint: string | null;
}

const golden = readFileSync(join(root, 'test/golden/fingerprints.jsonl'), 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as GoldenLine);

/** Times that each server is probed: an answer that changes from run to run would show. */
const RUNS = Number(process.env['HELLOTAP_GOLDEN_RUNS'] ?? '1');

const skip = labSkipReason();

describe('the lab’s servers give the texts that the paper’s scanner saw', { skip }, () => {
  useLab();

  const options = {
    helloSet: loadHelloSet(join(root, 'samples/hello-sets/atsf-2022')),
    rate: 0,
    perServerRate: 0,
    concurrency: 64,
    connectTimeoutMs: 5_000,
    handshakeTimeoutMs: 3_000,
    retries: 0,
  };
  const prober = new Prober(options);
  // Waiting for silence twenty times, one after the other, would teach nothing.
  const impatient = new Prober({ ...options, perServerConcurrency: 20 });

  const servers = deployments.filter(({ closed }) => !closed).map(({ id }) => id);
  const processes = (): (string | null)[] => servers.map(serverProcess);
  let before: (string | null)[] = [];

  for (let run = 1; run <= RUNS; run++) {
    // All at once: the servers are independent, and one handshake at a time goes to each.
    let results: Map<GoldenLine, Promise<ProbeResult | null>> | null = null;
    const probeAll = (): Map<GoldenLine, Promise<ProbeResult | null>> =>
      new Map(
        golden.map((line) => {
          const target = { address: line.ip, port: line.port, serverName: line.server_name };
          return [line, (line.deployment === 'odd-silent' ? impatient : prober).probe(target)];
        }),
      );
    for (const line of golden) {
      const title = `${line.deployment}, ${line.server_name ?? 'no server name'}${RUNS > 1 ? `, run ${run}` : ''}`;
      it(title, { skip: goldenSkipReason(line.deployment) }, async () => {
        if (before.length === 0) before = processes();
        results ??= probeAll();
        const result = await results.get(line);
        assert.ok(result);
        const expected = withNewerJava(line);
        assert.deepEqual(result.hellos, expected.hellos);
        assert.equal(result.fingerprint, expected.fingerprint);
      });
    }
  }

  it('and none of them came to harm', () => {
    assert.ok(!before.includes(null));
    assert.deepEqual(processes(), before);
    for (const id of servers) assert.doesNotMatch(serverLogs(id), CRASH, id);
  });
});

/** How servers, their languages and the C library tell of a crash. */
const CRASH =
  /segmentation fault|\bSIG(?:SEGV|ABRT|BUS|ILL|FPE)\b|exited on signal|core dumped|\bpanic\b|goroutine \d+ \[|assertion .*failed|double free|stack smashing|OutOfMemory|Exception in thread|\[BUG\]/i;

/**
 * OpenJDK 17.0.15 (golden) signed with SHA-1 where the client offers nothing better; newer updates refuse that with
 * internal_error once the ServerHello is out. Everything else of the fingerprint is the same.
 */
function withNewerJava(line: GoldenLine): GoldenLine {
  if (line.deployment !== 'java-default' || !javaRefusesSha1()) return line;
  const affected = ['random9057', 'random9428'];
  const hellos = Object.fromEntries(
    Object.entries(line.hellos).map(([name, text]) => [name, affected.includes(name) ? `${text}<80` : text]),
  );
  // None of this server's texts has a status_request to be removed, so that joining is combining.
  const fingerprint = Object.keys(hellos)
    .sort()
    .map((name) => hellos[name])
    .join('|');
  return { ...line, hellos, fingerprint };
}

function javaRefusesSha1(): boolean {
  try {
    const security = readFileSync('/etc/java-17-openjdk/security/java.security', 'utf8');
    return security.includes('rsa_pkcs1_sha1 usage HandshakeSignature');
  } catch {
    return false; // not Debian's package
  }
}
