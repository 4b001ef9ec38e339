// STARTTLS: each protocol's dialogue against a server that speaks as its RFC shows it and then real TLS; and servers that
// do not want to, or never come to the point. Real servers: test/e2e/starttls.test.ts.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import fc from 'fast-check';
import type { Conversation } from '../../../src/probe/connection.js';
import { loadHelloSet } from '../../../src/probe/hello-set-file.js';
import type { ProbeOutcome, ProbeResult } from '../../../src/probe/probe-result.js';
import { Prober } from '../../../src/probe/prober.js';
import { withStartTls } from '../../../src/probe/starttls/conversation.js';
import { STARTTLS_PORTS } from '../../../src/probe/starttls/dialogue.js';
import type { StartTlsProtocol } from '../../../src/probe/starttls/dialogue.js';
import { listen, makeCertificate, tcpServer, tlsServerSkipReason } from '../tls-server.js';
import { refusals, scripts, speak } from './servers.js';

const protocols = Object.keys(STARTTLS_PORTS) as StartTlsProtocol[];
const ordinary = loadHelloSet(join(import.meta.dirname, '../../../samples/hello-sets/ordinary'));
const prober = new Prober({
  helloSet: ordinary,
  rate: 0,
  perServerRate: 0,
  handshakeTimeoutMs: 2_000,
  retries: 0,
});

async function probe(port: number, startTls: StartTlsProtocol): Promise<ProbeResult> {
  const result = await prober.probe({ address: '127.0.0.1', port, serverName: 'lab.test', startTls });
  assert.ok(result);
  return result;
}

describe('TLS within a protocol', { skip: tlsServerSkipReason() }, () => {
  const certificate = tlsServerSkipReason() === false ? makeCertificate() : { key: '', cert: '' };
  const closers: (() => Promise<void>)[] = [];
  after(async () => {
    for (const close of closers) await close();
  });

  for (const protocol of protocols) {
    it(`begins after the words of ${protocol}`, async () => {
      const said: string[] = [];
      const server = tcpServer((socket) => {
        speak(socket, protocol, scripts[protocol], certificate, said);
      });
      const { port, close } = await listen(server);
      closers.push(close);
      const result = await probe(port, protocol);
      assert.deepEqual(result.outcome, { ordinary: 'ok' }, said.join('|'));
      assert.match(result.fingerprint ?? '', /^771_130/);
    });

    it(`does not begin where a server of ${protocol} does not want it: no byte of TLS is sent`, async () => {
      const said: string[] = [];
      const server = tcpServer((socket) => {
        speak(socket, protocol, refusals[protocol], null, said);
      });
      const { port, close } = await listen(server);
      closers.push(close);
      const result = await probe(port, protocol);
      assert.deepEqual(result.outcome, { ordinary: 'not_tls' });
      assert.equal(result.fingerprint, null);
      assert.doesNotMatch(said.join(''), /\x16\x03/);
    });
  }
});

describe('a server that never comes to the point', () => {
  /** What TLS would be: notes whether it was asked for anything. */
  class Listener implements Conversation {
    outcome: ProbeOutcome | null = null;
    asked = false;
    received = 0;
    takeOutput(): Uint8Array | null {
      this.asked = true;
      return null;
    }
    receive(bytes: Uint8Array): void {
      this.received += bytes.length;
    }
    end(outcome: ProbeOutcome): void {
      this.outcome ??= outcome;
    }
  }

  const talk = (protocol: StartTlsProtocol, pieces: Iterable<Uint8Array>): Listener => {
    const tls = new Listener();
    const target = { address: '127.0.0.1', port: 1, serverName: null, startTls: protocol };
    const conversation = withStartTls(target, tls);
    for (const piece of pieces) {
      if (conversation.outcome !== null) break;
      conversation.receive(piece);
      conversation.takeOutput();
    }
    return tls;
  };

  for (const protocol of protocols) {
    it(`of ${protocol} is left after 16 KiB, whatever it says`, () => {
      const openings = [
        '220-a\r\n',
        '* OK\r\n* more\r\n',
        '+OK',
        '<a><features><b>',
        '\x30\x84\xff\xff\xff\xff',
        '\xff\xff\xff\x00\x0a',
      ];
      for (const opening of openings) {
        function* endless(): Generator<Uint8Array> {
          yield Buffer.from(opening, 'latin1');
          for (let i = 0; i < 1_000; i++) yield Buffer.from(opening.repeat(10), 'latin1');
        }
        const tls = talk(protocol, endless());
        assert.ok(tls.outcome === 'not_tls' || tls.asked, `${protocol}: ${opening}`);
      }
    });

    it(`of ${protocol} may say anything in any pieces without a throw`, () => {
      const words = fc.constantFrom(
        ...Object.values(scripts).flatMap(({ greeting, answers }) => [
          greeting ?? Buffer.of(0),
          ...answers.map(([, answer]) => answer),
        ]),
      );
      const piece = fc.oneof(fc.uint8Array({ maxLength: 50 }), words);
      fc.assert(
        fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => void talk(protocol, pieces)),
        { numRuns: 300 },
      );
    });

    it(`of ${protocol} is understood in whatever pieces its words come`, () => {
      const { greeting, answers } = scripts[protocol];
      const whole = Buffer.concat([
        greeting ?? Buffer.alloc(0),
        ...answers.map(([, answer]) => answer),
        Buffer.from('TLS'),
      ]);
      fc.assert(
        fc.property(fc.array(fc.nat(whole.length), { maxLength: 20 }), (cuts) => {
          const at = [0, ...cuts.sort((a, b) => a - b), whole.length];
          const tls = talk(
            protocol,
            at
              .slice(1)
              .map((end, i) => whole.subarray(at[i], end))
              .filter(({ length }) => length > 0),
          );
          assert.equal(tls.received, 3);
          assert.equal(tls.outcome, null);
        }),
        { numRuns: 100 },
      );
    });
  }
});
