import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { findCaptures, openCaptures } from '../../src/capture/open-captures.js';
import { observe, type ObservedFlow } from './observed.js';

const FOLDER = join(import.meta.dirname, '../../../shared/pcaps');

/** What of an entry of truth.json is compared here; the fields of the hellos are compared where they are parsed. */
interface TrueFlow {
  readonly client: string;
  readonly client_port: number;
  readonly server: string;
  readonly server_port: number;
  readonly client_hello: boolean;
  readonly server_hello: boolean;
  readonly sslv2: boolean;
  readonly starttls: boolean;
  readonly tunnelled: boolean;
  readonly damaged: boolean;
}
interface TrueCapture {
  readonly packets?: number;
  readonly tls?: readonly TrueFlow[];
}

/** Handshake types of the records that a direction begins with, alerts left out. */
function firstHandshakeType(hex: string): number | null {
  const bytes = Buffer.from(hex, 'hex');
  for (let at = 0; at + 6 <= bytes.length; at += 5 + bytes.readUInt16BE(at + 3)) {
    if (bytes[at] === 22) return bytes[at + 5] ?? null;
  }
  return null;
}

function matches(flow: ObservedFlow, truth: TrueFlow): boolean {
  const isSame =
    flow.clientAddress === truth.client &&
    flow.clientPort === truth.client_port &&
    flow.serverAddress === truth.server &&
    flow.serverPort === truth.server_port;
  const isSslv2 = (hex: string): boolean => truth.sslv2 && (Number.parseInt(hex.slice(0, 2), 16) & 0x80) !== 0;
  const hasClientHello = firstHandshakeType(flow.client.hex) === 1 || isSslv2(flow.client.hex);
  const hasServerHello = firstHandshakeType(flow.server.hex) === 2 || isSslv2(flow.server.hex);
  return isSame && (hasClientHello || !truth.client_hello) && (hasServerHello || !truth.server_hello);
}

describe('the captures of other projects', async () => {
  if (!existsSync(FOLDER)) {
    it('give the connections that tshark sees', (t) => {
      t.skip('needs ../shared/pcaps');
    });
    return;
  }
  const truth = JSON.parse(readFileSync(join(FOLDER, 'truth.json'), 'utf8')) as Record<string, TrueCapture>;
  const missing: string[] = [];
  const counts = new Map<string, [seen: number | undefined, wanted: number | undefined]>();
  let total = 0;
  const started = performance.now();
  for (const capture of findCaptures([FOLDER])) {
    const name = capture.name.slice(FOLDER.length + 1);
    const { flows, counters } = await observe(await openCaptures([capture]));
    counts.set(name, [counters['packets'], truth[name]?.packets]);
    const unused = new Set(flows);
    for (const wanted of truth[name]?.tls ?? []) {
      if (wanted.tunnelled || wanted.starttls || wanted.damaged) continue;
      total++;
      const found = [...unused].find((flow) => matches(flow, wanted));
      if (found) unused.delete(found);
      else missing.push(`${name} ${wanted.client}:${wanted.client_port} ${wanted.server}:${wanted.server_port}`);
    }
  }

  it('are all read without a crash, in a few seconds', () => {
    assert.equal(counts.size, 676);
    assert.ok(performance.now() - started < 30_000);
  });

  it('have as many packets as tshark counts', () => {
    const other = [...counts].filter(([, [seen, wanted]]) => wanted !== undefined && seen !== wanted);
    assert.deepEqual(other, []);
  });

  it('give every connection with both hellos that tshark sees, but for tunnels and STARTTLS', () => {
    assert.equal(total, 737);
    assert.deepEqual(missing, []);
  });
});
