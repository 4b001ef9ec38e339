import assert from 'node:assert/strict';
import { connect, createServer, type AddressInfo } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { HellotapError } from '../../src/errors.js';
import type { FlowRecord } from '../../src/capture/flow-record.js';
import { listInterfaces } from '../../src/capture/interfaces.js';
import { CAPTURE_WAYS, type LiveOptions } from '../../src/capture/live-options.js';
import { openLiveSource } from '../../src/capture/live-source.js';
import type { CaptureSource } from '../../src/capture/source.js';
import { goldenHandshakes, tls12Handshake } from './handshakes.js';
import { canDropRights, runAsNobody } from './unprivileged.js';

const interfaces = await listInterfaces();
const loopback = interfaces.find(({ addresses }) => addresses.includes('127.0.0.1'))?.name ?? 'lo';
const { client, server } = tls12Handshake(goldenHandshakes());

/** The source, or null after the test was skipped because capturing is not possible here. */
async function openOrSkip(t: TestContext, options: LiveOptions): Promise<CaptureSource | null> {
  try {
    return await openLiveSource(loopback, options);
  } catch (error) {
    if (!(error instanceof HellotapError)) throw error;
    if (error.code !== 'ERR_CAPTURE_PERMISSION' && error.code !== 'ERR_CAPTURE_UNAVAILABLE') throw error;
    t.skip(`needs to capture on ${loopback}: ${error.message}`);
    return null;
  }
}

/** A real connection on the loopback interface, over which a recorded handshake goes. */
async function talk(address = '127.0.0.1'): Promise<number> {
  const listener = createServer((socket) => {
    socket.once('data', () => socket.end(server));
  }).listen(0, address);
  await new Promise((resolve) => listener.once('listening', resolve));
  const { port } = listener.address() as AddressInfo;
  await new Promise<void>((resolve, reject) => {
    const socket = connect(port, address, () => socket.write(client));
    socket
      .on('data', () => undefined)
      .on('error', reject)
      .on('close', () => {
        resolve();
      });
  });
  listener.close();
  return port;
}

async function failsWith(
  t: TestContext,
  name: string,
  options: LiveOptions,
  code: string,
  message: RegExp,
): Promise<void> {
  const error: unknown = await openLiveSource(name, options).then(
    (source) => {
      source.close();
    },
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof HellotapError);
  if (error.code === 'ERR_CAPTURE_UNAVAILABLE' && code !== error.code) t.skip(error.message);
  else assert.deepEqual([error.code, message.test(error.message), error.message], [code, true, error.message]);
}

for (const capture of CAPTURE_WAYS) {
  describe(`a live source of the way ${capture}`, () => {
    it('sees a handshake on the loopback interface soon after it happened', async (t) => {
      const source = await openOrSkip(t, { capture, filter: 'tcp' });
      if (!source) return;
      const port = await talk();
      const before = Date.now();
      let seen: FlowRecord | undefined;
      for await (const batch of source.batches()) {
        for (const record of batch) {
          if (record.kind !== 'flow' || record.serverPort !== port) continue;
          seen = record;
          assert.equal(
            Buffer.from(record.client.bytes).toString('hex'),
            client.subarray(0, record.client.bytes.length).toString('hex'),
          );
          assert.equal(record.server.end, 'change_cipher_spec');
        }
        if (seen) break;
      }
      assert.ok(seen);
      assert.ok(Date.now() - before < 2000);
      assert.ok(Math.abs(seen.timestamp / 1000 - before) < 2000);
      source.close();
      const { packets, kernelReceived = 0, kernelDropped } = source.counters();
      assert.ok(packets > 5);
      if (process.platform === 'linux') assert.ok(kernelReceived >= packets);
      assert.equal(kernelDropped, 0);
    });

    it('shows only what the filter matches', async (t) => {
      const source = await openOrSkip(t, { capture, filter: 'tcp port 1' });
      if (!source) return;
      await talk();
      await new Promise((resolve) => setTimeout(resolve, 100));
      source.close();
      assert.equal(source.counters().packets, 0);
    });

    it('hands over what it follows when it is closed, and ends', async (t) => {
      const source = await openOrSkip(t, { capture, filter: 'tcp' });
      if (!source) return;
      const half = client.subarray(0, 100);
      const listener = createServer().listen(0, '127.0.0.1');
      await new Promise((resolve) => listener.once('listening', resolve));
      const { port } = listener.address() as AddressInfo;
      const socket = connect(port, '127.0.0.1', () => socket.write(half));
      await new Promise((resolve) => setTimeout(resolve, 300));
      source.close();
      source.close();
      const flows: number[] = [];
      for await (const batch of source.batches()) {
        for (const record of batch) if (record.kind === 'flow') flows.push(record.serverPort);
      }
      socket.destroy();
      listener.close();
      assert.ok(flows.includes(port));
    });

    it('needs an interface that exists, and says which there are', (t) =>
      failsWith(t, 'nosuch0', { capture }, 'ERR_CAPTURE_OPEN', /^there is no interface nosuch0; there are: .*\blo\b/));

    it('needs a filter that libpcap understands', async (t) => {
      if (process.getuid?.() !== 0) {
        t.skip('needs the right to capture');
        return;
      }
      const options = { capture, filter: 'tcp and and' };
      await failsWith(t, loopback, options, 'ERR_USAGE', /^filter `tcp and and`: .*syntax error/);
    });

    it('needs the right to capture, and says how to get it', (t) => {
      if (!canDropRights) {
        t.skip('needs root, to become somebody without rights');
        return;
      }
      const said = runAsNobody(`
        import { openLiveSource } from './src/capture/live-source.js';
        await openLiveSource('lo', { capture: '${capture}' }).catch((error) => console.log(error.code, error.message));
        process.exit();`);
      if (said.startsWith('ERR_CAPTURE_UNAVAILABLE')) t.skip(said);
      else assert.match(said, /^ERR_CAPTURE_PERMISSION no right to capture on lo; run it as root, or .*cap_net_raw/);
    });
  });
}

describe('the package cap', () => {
  it('cannot leave an interface in its mode, and says so', (t) =>
    failsWith(t, loopback, { capture: 'cap', promiscuous: false }, 'ERR_CAPTURE_UNAVAILABLE', /promiscuous/));

  it('cannot spread packets over threads, and says so', (t) =>
    failsWith(t, loopback, { capture: 'cap', threads: 2 }, 'ERR_USAGE', /one thread/));
});

describe('the ring', () => {
  it('spreads flows over threads, and shows each once, whole', async (t) => {
    const source = await openOrSkip(t, { capture: 'ring', filter: 'tcp and net 127.0.7.0/24', threads: 3 });
    if (!source) return;
    const ports: number[] = [];
    for (let host = 1; host <= 12; host++) ports.push(await talk(`127.0.7.${host}`));
    setTimeout(() => {
      source.close();
    }, 500);
    const seen: number[] = [];
    for await (const batch of source.batches()) {
      for (const record of batch) {
        if (record.kind !== 'flow' || !ports.includes(record.serverPort)) continue;
        seen.push(record.serverPort);
        assert.equal(record.client.end, 'change_cipher_spec');
        assert.equal(record.server.end, 'change_cipher_spec');
      }
    }
    assert.deepEqual(seen.sort(), ports.sort());
    const { packets, kernelReceived, kernelDropped } = source.counters();
    // Loopback shows the kernel's side each packet twice.
    assert.deepEqual([kernelReceived, kernelDropped], [2 * packets, 0]);
  });

  it('leaves an interface in its mode where that is asked for', async (t) => {
    const source = await openOrSkip(t, { capture: 'ring', promiscuous: false });
    source?.close();
  });
});

describe('the list of interfaces', () => {
  it('has the loopback interface with its address, and none that carries no network traffic', () => {
    assert.ok(interfaces.some(({ name, addresses }) => name === loopback && addresses.includes('127.0.0.1')));
    assert.ok(interfaces.every(({ name }) => !/^(usbmon|dbus|nflog)/.test(name)));
  });
});
