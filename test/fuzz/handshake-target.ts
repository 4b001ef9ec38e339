// The prober's state machine under what golden's servers sent, mutated: with each Client Hello, in pieces of any size.
import { join } from 'node:path';
import { handshakeFingerprint } from '../../src/fingerprint/stack.js';
import { Handshake } from '../../src/probe/handshake.js';
import { loadHelloSet } from '../../src/probe/hello-set-file.js';
import { HelloPreparer } from '../../src/probe/hello-set.js';
import { generateKeyShare } from '../../src/tls/crypto/key-exchange.js';
import { HandshakeType } from '../../src/tls/constants.js';
import { readOpening } from '../../src/tls/handshake-stream.js';
import { decodeServerHello } from '../../src/tls/server-hello.js';
import { goldenConversations } from '../tls/golden-openings.js';

const { hellos } = loadHelloSet(join(import.meta.dirname, '../../samples/hello-sets/atsf-2022'));
const preparer = new HelloPreparer(() => 0);

/** What the servers of golden sent. */
export const SERVER_BYTES: readonly Uint8Array[] = goldenConversations('with-sni.pcap')
  .map(({ serverBytes }) => serverBytes)
  .filter((bytes) => bytes.length > 0);

/** The session id that the ServerHello echoes: with it, TLS 1.3 goes on. */
function echoed(bytes: Uint8Array): Uint8Array {
  for (const { type, body } of readOpening(bytes).messages) {
    if (type !== HandshakeType.ServerHello && type !== HandshakeType.HelloRetryRequest) continue;
    const decoded = decodeServerHello(body);
    if (decoded.kind === 'message') return decoded.value.sessionId;
  }
  return new Uint8Array(32);
}

/** One handshake over the bytes. Throws where it says something after its end, or ends differently in other pieces. */
export function runHandshake(bytes: Uint8Array): number {
  const hello = hellos[(bytes.length + (bytes[11] ?? 0)) % hellos.length];
  if (hello === undefined) throw new Error('no hello');
  const randomness = {
    helloRandoms: () => ({ random: new Uint8Array(32), sessionId: echoed(bytes) }),
    bytes: (length: number) => new Uint8Array(length),
    keyShare: generateKeyShare,
  };
  const converse = (pieceLength: number): { text: string; outcome: string; sent: number } => {
    const handshake = new Handshake(preparer.prepare(hello, true), 'lab.test', randomness);
    let sent = handshake.takeOutput()?.length ?? 0;
    for (let at = 0; at < bytes.length && handshake.outcome === null; at += pieceLength) {
      handshake.receive(bytes.slice(at, at + pieceLength));
      sent += handshake.takeOutput()?.length ?? 0;
    }
    const { outcome } = handshake;
    handshake.receive(bytes);
    if (outcome !== null && (handshake.outcome !== outcome || handshake.takeOutput() !== null))
      throw new Error('after its end');
    handshake.end('closed');
    return { text: handshakeFingerprint(handshake.observation) ?? '', outcome: outcome ?? 'open', sent };
  };
  const whole = converse(bytes.length);
  const pieces = converse(1 + (bytes.length % 97));
  if (whole.outcome !== pieces.outcome) throw new Error(`${whole.outcome} at once, ${pieces.outcome} in pieces`);
  if (whole.outcome !== 'open' && whole.text !== pieces.text) throw new Error('another text in pieces');
  if (whole.sent > 8192) throw new Error(`${whole.sent} bytes sent`);
  return whole.text.length;
}
