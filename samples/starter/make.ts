// Measures the starter database anew: probes the lab's real software, and writes fingerprints.csv and labels.csv beside
// this file. Run by make.sh, in a network namespace of its own in which the lab is up.
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { stringify } from 'csv-stringify/sync';
import type { FingerprintEvent, HellotapEvent } from '../../src/output/event.js';
import { deployment, realDeployments, softwareVersion, type Deployment } from '../../test/lab/lab.js';

const here = import.meta.dirname;
const captures = join(here, '../captures');
const program = join(here, '../../dist/cli/main.js');
/** nginx-default behind the relay of samples/captures. */
const relayed = { address: 'fd00:1ab::1', id: 'nginx-default' };

/** `software version (configuration)` of a deployment, the version as the software itself states it. */
function label(deployed: Deployment): string {
  const version = softwareVersion(deployed);
  if (version === null) throw new Error(`${deployed.software} states no version`);
  return `${deployed.software} ${version} (${deployed.config})`;
}

function events(args: readonly string[]): HellotapEvent[] {
  const run = spawnSync(process.execPath, [program, ...args], { encoding: 'utf8', maxBuffer: 64 << 20 });
  if (run.status !== 0 && run.status !== 3) throw new Error(`hellotap ${args[0] ?? ''} failed: ${run.stderr}`);
  return run.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as HellotapEvent);
}

const scratch = mkdtempSync(join(tmpdir(), 'hellotap-starter-'));
const relay = spawn('bash', [join(captures, 'ipv6-relay.sh')], { stdio: 'ignore' });
try {
  const byAddress = new Map(realDeployments.map((real) => [real.address, real]));
  byAddress.set(relayed.address, deployment(relayed.id));

  // Every deployment without a server name and as lab.test, and every server of the captures by the name asked for there.
  const targets = new Set(
    realDeployments.flatMap(({ address, port }) => [`${address}:${port}`, `${address}:${port},lab.test`]),
  );
  const database = ['--database', join(scratch, 'scratch.db')];
  const files = readdirSync(captures).filter((name) => /\.pcap(ng)?$/.test(name));
  for (const event of events([
    'triage',
    '--format',
    'jsonl',
    ...database,
    ...files.map((name) => join(captures, name)),
  ])) {
    if (event.event_type !== 'tls' || !byAddress.has(event.dest_ip)) continue;
    const host = event.dest_ip.includes(':') ? `[${event.dest_ip}]` : event.dest_ip;
    targets.add(`${host}:${event.dest_port}${event.tls.sni === undefined ? '' : `,${event.tls.sni}`}`);
  }
  writeFileSync(join(scratch, 'targets'), [...targets].join('\n') + '\n');
  await sleep(500); // the relay is up by now

  const unlimited = ['--rate', '1000', '--per-server-rate', '0'];
  const probed = events(['probe', '-i', join(scratch, 'targets'), '--format', 'jsonl', ...database, ...unlimited])
    .filter((event): event is FingerprintEvent => event.event_type === 'fingerprint')
    .map(({ hellotap }) => hellotap);
  if (probed.length !== targets.size) throw new Error(`${targets.size} targets, but ${probed.length} results`);

  const key = ({ ip, port, sni }: FingerprintEvent['hellotap']): string => `${ip} ${port} ${sni ?? ''}`;
  probed.sort((a, b) => (key(a) < key(b) ? -1 : 1));
  const hellos = Object.keys(probed[0]?.hellos ?? {}).sort();
  const rows = probed.map((result) => [
    ...[result.ip, result.port, result.sni ?? ''],
    ...hellos.map((hello) => result.hellos[hello] ?? ''),
    result.fingerprint ?? '',
  ]);
  const columns = ['ip', 'port', 'server_name', ...hellos, 'fingerprint'];
  writeFileSync(join(here, 'fingerprints.csv'), stringify([columns, ...rows]));

  const claims = new Map<string, { id: string; label: string; count: number }>();
  for (const { ip, fingerprint_id: id } of probed) {
    const probedDeployment = byAddress.get(ip);
    if (id === null || probedDeployment === undefined) continue;
    const name = label(probedDeployment);
    const claim = claims.get(`${id} ${name}`);
    if (claim === undefined) claims.set(`${id} ${name}`, { id, label: name, count: 1 });
    else claim.count++;
  }
  const today = new Date().toISOString().slice(0, 10);
  const labels = [...claims.values()]
    .sort((a, b) => (a.label < b.label ? -1 : 1))
    .map((claim) => [claim.id, claim.label, 'software', 'starter', today, today, claim.count]);
  const head = ['fingerprint', 'label', 'kind', 'source', 'first_seen', 'last_seen', 'count'];
  writeFileSync(join(here, 'labels.csv'), stringify([head, ...labels]));

  const dropped = probed.filter(({ fingerprint }) => fingerprint === null).map(key);
  console.log(
    `${probed.length} servers probed, ${new Set(labels.map(([id]) => id)).size} distinct fingerprints, ${labels.length} labels.`,
  );
  if (dropped.length > 0) console.log(`Without a combined fingerprint: ${dropped.join('; ')}`);
} finally {
  relay.kill();
  rmSync(scratch, { recursive: true });
}
