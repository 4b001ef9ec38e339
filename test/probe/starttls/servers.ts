// Servers that speak a protocol as its RFC shows it, as far as STARTTLS, and then TLS (node:tls) on the same socket.
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { StartTlsProtocol } from '../../../src/probe/starttls/dialogue.js';

/** What is said first, and then to each thing that the client says; the last word is followed by TLS. */
export interface Script {
  readonly greeting: Buffer | null;
  readonly answers: readonly (readonly [said: RegExp, answer: Buffer])[];
}

const text = (value: string): Buffer => Buffer.from(value, 'latin1');
const hex = (value: string): Buffer => Buffer.from(value.replaceAll(' ', ''), 'hex');

/** MariaDB's greeting: HandshakeV10 with CLIENT_SSL among the capabilities. */
function mysqlGreeting(capabilities: number): Buffer {
  const body = Buffer.concat([
    Buffer.of(10),
    text('5.5.5-10.11.6-MariaDB\0'),
    Buffer.from([
      7,
      0,
      0,
      0,
      1,
      2,
      3,
      4,
      5,
      6,
      7,
      8,
      0,
      capabilities & 0xff,
      capabilities >> 8,
      33,
      2,
      0,
      0xff,
      0x81,
      21,
    ]),
    Buffer.alloc(10),
    text('abcdefghijkl\0mysql_native_password\0'),
  ]);
  return Buffer.concat([Buffer.of(body.length, 0, 0, 0), body]);
}

const STREAM =
  "<?xml version='1.0'?><stream:stream from='im.example.com' id='t7AMCin9zjMNwQKDnplntZPIDEI=' version='1.0' " +
  "xml:lang='en' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>";

export const scripts: Readonly<Record<StartTlsProtocol, Script>> = {
  // RFC 3207 section 4, with an answer of several lines as in RFC 5321 section 4.2.1.
  smtp: {
    greeting: text('220-mail.imc.org SMTP service ready\r\n220 No commercial mail\r\n'),
    answers: [
      [
        /^EHLO \S+\r\n$/,
        text('250-mail.imc.org offers a warm hug of welcome\r\n250-8BITMIME\r\n250-STARTTLS\r\n250 DSN\r\n'),
      ],
      [/^STARTTLS\r\n$/, text('220 Go ahead\r\n')],
    ],
  },
  // RFC 9051 section 6.2.1, with an untagged response before.
  imap: {
    greeting: text('* OK [CAPABILITY IMAP4rev2 STARTTLS LOGINDISABLED] ready\r\n'),
    answers: [[/^a1 STARTTLS\r\n$/, text('* NOOP\r\na1 OK Begin TLS negotiation now\r\n')]],
  },
  // RFC 2595 section 4.
  pop3: {
    greeting: text('+OK POP3 server ready <1896.697170952@dbc.mtview.ca.us>\r\n'),
    answers: [[/^STLS\r\n$/, text('+OK Begin TLS negotiation\r\n')]],
  },
  // RFC 4217 section 12.
  ftp: {
    greeting: text('220-Welcome\r\n  to the server\r\n220 Service ready\r\n'),
    answers: [[/^AUTH TLS\r\n$/, text('234 TLS security mechanism accepted\r\n')]],
  },
  // RFC 4511 section 4.14.2; lengths as Active Directory writes them.
  ldap: {
    greeting: null,
    answers: [
      [
        /^0\x1d\x02\x01\x01w\x18\x80\x161\.3\.6\.1\.4\.1\.1466\.20037$/,
        hex('30 84 00 00 00 10 02 01 01 78 84 00 00 00 07 0a 01 00 04 00 04 00'),
      ],
    ],
  },
  // RFC 6120 section 9.1.1.
  xmpp: {
    greeting: null,
    answers: [
      [
        /^<\?xml version='1\.0'\?><stream:stream to='lab\.test' xmlns='jabber:client' .* version='1\.0'>$/,
        text(
          `${STREAM}<stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'><required/></starttls></stream:features>`,
        ),
      ],
      [
        /^<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'\/>$/,
        text("<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"),
      ],
    ],
  },
  // PostgreSQL's manual, "SSL Session Encryption".
  postgres: { greeting: null, answers: [[/^\0\0\0\x08\x04\xd2\x16\x2f$/, text('S')]] },
  // MySQL's manual, "Connection Phase": SSLRequest has no answer but TLS.
  mysql: { greeting: mysqlGreeting(0xf7fe | 0x0800), answers: [] },
};

/** Servers that speak the protocol and do not want to go over to TLS. */
export const refusals: Readonly<Record<StartTlsProtocol, Script>> = {
  smtp: {
    ...scripts.smtp,
    answers: [scripts.smtp.answers[0]!, [/^STARTTLS/, text('454 TLS not available due to temporary reason\r\n')]],
  },
  imap: { ...scripts.imap, answers: [[/^a1/, text('a1 BAD STARTTLS not allowed\r\n')]] },
  pop3: { ...scripts.pop3, answers: [[/^STLS/, text('-ERR Command not permitted\r\n')]] },
  ftp: { ...scripts.ftp, answers: [[/^AUTH/, text('502 Command not implemented\r\n')]] },
  ldap: { greeting: null, answers: [[/^0/, hex('30 0c 02 01 01 78 07 0a 01 34 04 00 04 00')]] },
  xmpp: { greeting: null, answers: [[/^</, text(`${STREAM}<stream:features><bind/></stream:features>`)]] },
  postgres: { greeting: null, answers: [[/^\0/, text('N')]] },
  mysql: { greeting: mysqlGreeting(0xf7fe & ~0x0800), answers: [] },
};

const SSL_REQUEST_LENGTH = 36;

/** Speaks the script, in pieces, then TLS with `certificate` (null: says nothing more). `said`: what the client said before TLS. */
export function speak(
  socket: Socket,
  protocol: StartTlsProtocol,
  { greeting, answers }: Script,
  certificate: { readonly key: string; readonly cert: string } | null,
  said: string[],
): void {
  let next = 0;
  const startTls = (): void => {
    socket.removeAllListeners('data');
    if (certificate !== null)
      new TLSSocket(socket, { isServer: true, ...certificate }).on('error', () => undefined).resume();
  };
  const say = (bytes: Buffer): void => {
    const half = bytes.length >> 1;
    socket.write(bytes.subarray(0, half));
    setTimeout(() => {
      if (socket.writable) socket.write(bytes.subarray(half));
      if (next === answers.length && protocol !== 'mysql') startTls();
    }, 5);
  };
  socket.setNoDelay(true);
  socket.on('data', (data: Buffer) => {
    said.push(data.toString('latin1'));
    const answer = answers[next];
    if (answer === undefined) {
      // MySQL: the client's hello may come right behind its request.
      socket.pause();
      socket.removeAllListeners('data');
      if (data.length > SSL_REQUEST_LENGTH) socket.unshift(data.subarray(SSL_REQUEST_LENGTH));
      startTls();
      return;
    }
    next += 1;
    if (answer[0].test(data.toString('latin1'))) say(answer[1]);
    else socket.destroy();
  });
  if (greeting !== null) say(greeting);
}
