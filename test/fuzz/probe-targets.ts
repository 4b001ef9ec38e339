// Fuzzing of what a probe reads besides handshakes: JARM's answers, HTTP's header sections, the words before STARTTLS.
import { jarm, JARM_HELLOS, jarmAnswer } from '../../src/fingerprint/jarm.js';
import type { Conversation } from '../../src/probe/connection.js';
import { Http1Head } from '../../src/probe/http1-head.js';
import type { ProbeOutcome } from '../../src/probe/probe-result.js';
import { withStartTls } from '../../src/probe/starttls/conversation.js';
import { isStartTlsProtocol } from '../../src/probe/starttls/dialogue.js';
import { refusals, scripts } from '../probe/starttls/servers.js';

/** Answers of servers, as JARM reads them. */
export function jarmAnswers(bytes: Uint8Array): number {
  const raw = jarmAnswer(bytes);
  const result = jarm(new Array<Uint8Array>(JARM_HELLOS).fill(bytes));
  if (result !== null && !/^[0-9a-f]{62}$/.test(result.hash)) throw new Error(`no JARM: ${result.hash}`);
  return raw.length;
}

export const HTTP_SECTIONS: readonly Uint8Array[] = [
  'HTTP/1.1 200 OK\r\nServer: nginx/1.22.1\r\nDate: Mon, 27 Jun 2022 08:00:00 GMT\r\nConnection: close\r\n\r\n',
  'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.0 404 Not Found\nSERVER : one\nserver: two\n\nbody',
].map((text) => Buffer.from(text, 'latin1'));

/** The same in one piece and in pieces. */
export function httpSection(bytes: Uint8Array): number {
  const read = (size: number): Http1Head => {
    const head = new Http1Head('host');
    for (let at = 0; at < bytes.length; at += size) head.receive(bytes.subarray(at, at + size));
    head.close();
    return head;
  };
  const whole = read(bytes.length);
  const pieces = read(7);
  // Beyond the limit it depends on the pieces how much of a section that never ends is looked at.
  if (bytes.length < 32_000 && whole.server !== pieces.server) throw new Error('depends on the pieces');
  return whole.server?.length ?? 0;
}

/** What the server of each protocol says, behind the protocol's name and a NUL. */
export const STARTTLS_WORDS: readonly Uint8Array[] = [scripts, refusals].flatMap((side) =>
  Object.entries(side).map(([protocol, { greeting, answers }]) =>
    Buffer.concat([
      Buffer.from(`${protocol}\0`, 'latin1'),
      greeting ?? Buffer.alloc(0),
      ...answers.map(([, bytes]) => bytes),
    ]),
  ),
);

/** TLS, as far as the words before it are concerned. */
class Silence implements Conversation {
  outcome: ProbeOutcome | null = null;
  received = 0;

  takeOutput(): null {
    return null;
  }

  receive(bytes: Uint8Array): void {
    this.received += bytes.length;
  }

  end(outcome: ProbeOutcome): void {
    this.outcome ??= outcome;
  }
}

export function startTlsWords(bytes: Uint8Array): number {
  const end = bytes.indexOf(0);
  const protocol = Buffer.from(bytes.subarray(0, end)).toString('latin1');
  if (!isStartTlsProtocol(protocol)) return 0;
  const words = bytes.subarray(end + 1);
  const talk = (size: number): string => {
    const tls = new Silence();
    const conversation = withStartTls({ address: '192.0.2.1', port: 1, serverName: null, startTls: protocol }, tls);
    let said = conversation.takeOutput()?.length ?? 0;
    for (let at = 0; at < words.length && conversation.outcome === null; at += size) {
      conversation.receive(words.subarray(at, at + size));
      said += conversation.takeOutput()?.length ?? 0;
    }
    return `${said} ${tls.outcome ?? tls.received}`;
  };
  const whole = talk(Math.max(1, words.length));
  // How much is taken before the limit depends on the pieces; so does whether an error comes before or after it.
  if (words.length < 16_000 && whole !== talk(5)) throw new Error(`${protocol} depends on the pieces`);
  return whole.length;
}
