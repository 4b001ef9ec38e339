import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { pcap, type Frame } from '../capture/captures.js';
import { Conversation, type Side } from '../capture/conversation.js';
import { goldenHandshakes, tls12Handshake } from '../capture/handshakes.js';
import { observeFile, type ObservedFlow } from '../capture/observed.js';

const { client, server } = tls12Handshake(goldenHandshakes());

type Dialog = readonly (readonly [Side, Buffer])[];

const text = (value: string): Buffer => Buffer.from(value, 'latin1');
const hex = (value: string): Buffer => Buffer.from(value.replaceAll(' ', ''), 'hex');

/** What is said before the handshake, per protocol. */
const dialogs: Readonly<Record<string, Dialog>> = {
  'SMTP (RFC 3207)': [
    ['server', text('220 mail.example ESMTP\r\n')],
    ['client', text('EHLO client.example\r\n')],
    ['server', text('250-mail.example\r\n250-SIZE 35882577\r\n250 STARTTLS\r\n')],
    ['client', text('STARTTLS\r\n')],
    ['server', text('220 2.0.0 Ready to start TLS\r\n')],
  ],
  'IMAP (RFC 9051)': [
    ['server', text('* OK [CAPABILITY IMAP4rev1 STARTTLS] ready\r\n')],
    ['client', text('a001 STARTTLS\r\n')],
    ['server', text('a001 OK Begin TLS negotiation now\r\n')],
  ],
  'POP3 (RFC 2595)': [
    ['server', text('+OK POP3 ready\r\n')],
    ['client', text('STLS\r\n')],
    ['server', text('+OK Begin TLS negotiation\r\n')],
  ],
  'FTP (RFC 4217)': [
    ['server', text('220-FTP server\r\n220 ready\r\n')],
    ['client', text('AUTH TLS\r\n')],
    ['server', text('234 Proceed with negotiation.\r\n')],
  ],
  'XMPP (RFC 6120)': [
    ['client', text("<?xml version='1.0'?><stream:stream to='im.example' xmlns='jabber:client' version='1.0'>")],
    ['server', text("<?xml version='1.0'?><stream:stream><stream:features><starttls/></stream:features>")],
    ['client', text("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")],
    ['server', text("<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")],
  ],
  'LDAP (RFC 4511 section 4.14)': [
    ['client', Buffer.concat([hex('30 1d 02 01 01 77 18 80 16'), text('1.3.6.1.4.1.1466.20037')])],
    ['server', hex('30 0c 02 01 01 78 07 0a 01 00 04 00 04 00')],
  ],
  'PostgreSQL (SSLRequest)': [
    ['client', hex('00 00 00 08 04 d2 16 2f')],
    ['server', text('S')],
  ],
  'PostgreSQL (GSSENCRequest, then SSLRequest)': [
    ['client', hex('00 00 00 08 04 d2 16 30')],
    ['server', text('N')],
    ['client', hex('00 00 00 08 04 d2 16 2f')],
    ['server', text('S')],
  ],
  'MySQL (SSLRequest)': [
    ['server', Buffer.concat([hex('4a 00 00 00 0a'), text('8.0.36'), Buffer.alloc(67, 0x16)])],
    ['client', Buffer.concat([hex('20 00 00 01 85 ae ff 19 00 00 00 01 ff'), Buffer.alloc(23)])],
  ],
  'RDP (X.224 with a negotiation request)': [
    ['client', hex('03 00 00 13 0e e0 00 00 00 00 00 01 00 08 00 03 00 00 00')],
    ['server', hex('03 00 00 13 0e d0 00 00 12 34 00 02 1f 08 00 02 00 00 00')],
  ],
  'HTTP CONNECT': [
    ['client', text('CONNECT www.example:443 HTTP/1.1\r\nHost: www.example:443\r\n\r\n')],
    ['server', text('HTTP/1.1 200 Connection established\r\n\r\n')],
  ],
  'SOCKS 4': [
    ['client', hex('04 01 01 bb c0 00 02 01 00')],
    ['server', hex('00 5a 00 00 00 00 00 00')],
  ],
  'SOCKS 5 (RFC 1928)': [
    ['client', hex('05 01 00')],
    ['server', hex('05 00')],
    ['client', hex('05 01 00 01 c0 00 02 01 01 bb')],
    ['server', hex('05 00 00 01 00 00 00 00 00 00')],
  ],
  'the PROXY protocol, version 1': [['client', text('PROXY TCP4 192.0.2.7 198.51.100.2 50000 443\r\n')]],
  'the PROXY protocol, version 2': [
    ['client', hex('0d 0a 0d 0a 00 0d 0a 51 55 49 54 0a 21 11 00 0c c0 00 02 07 c6 33 64 02 c3 50 01 bb')],
  ],
};

async function soleFlow(frames: readonly Frame[], name: string): Promise<ObservedFlow> {
  const { flows } = await observeFile(pcap(frames));
  assert.equal(flows.length, 1, name);
  return flows[0]!;
}

function isHandshake({ client: fromClient, server: fromServer }: ObservedFlow): boolean {
  return (
    client.toString('hex').startsWith(fromClient.hex) &&
    server.toString('hex').startsWith(fromServer.hex) &&
    fromClient.end === 'change_cipher_spec' &&
    fromServer.end === 'change_cipher_spec'
  );
}

/** The dialog, then the handshake, in segments of so many bytes. */
function talk(dialog: Dialog, size = 1400): Frame[] {
  const conversation = new Conversation().handshake();
  for (const [from, bytes] of dialog) conversation.sendIn(from, bytes, size);
  return conversation.sendIn('client', client, size).sendIn('server', server, size).frames;
}

describe('TLS behind another protocol', () => {
  for (const [protocol, dialog] of Object.entries(dialogs)) {
    it(`begins with its first record: ${protocol}`, async () => {
      for (const size of [1400, 100, 7, 1]) {
        const flow = await soleFlow(talk(dialog, size), `segments of ${size}`);
        assert.ok(isHandshake(flow), `segments of ${size}`);
        assert.equal(flow.clientPort, 40_000);
      }
    });

    it(`is found in the segment that ends the other protocol: ${protocol}`, async () => {
      const last = new Map(dialog.map(([from], at) => [from, at]));
      const joined = dialog.map(([from, bytes], at): readonly [Side, Buffer] => {
        const more = from === 'client' ? client : server;
        return [from, last.get(from) === at ? Buffer.concat([bytes, more]) : bytes];
      });
      const conversation = new Conversation().handshake();
      for (const [from, bytes] of joined) conversation.send(from, bytes);
      for (const side of ['client', 'server'] as const) {
        if (!last.has(side)) conversation.send(side, side === 'client' ? client : server);
      }
      assert.ok(isHandshake(await soleFlow(conversation.frames, protocol)));
    });

    it(`is found where what comes before was not captured: ${protocol}`, async () => {
      const frames = talk(dialog);
      for (const from of [3, 4, 3 + dialog.length]) {
        assert.ok(isHandshake(await soleFlow(frames.slice(from), `from frame ${from}`)), `from frame ${from}`);
        assert.ok(isHandshake(await soleFlow([...frames.slice(0, 3), ...frames.slice(from)], 'a hole')), 'a hole');
      }
    });
  }

  it('is found where segments of the hello overtake one another', async () => {
    const frames = talk(dialogs['SMTP (RFC 3207)'] ?? [], 200);
    const hello = frames.findIndex(({ data }) => data.subarray(54).equals(client.subarray(0, 200)));
    const [first, second] = [frames[hello]!, frames[hello + 1]!];
    const swapped = [...frames.slice(0, hello), second, first, ...frames.slice(hello + 2)];
    assert.ok(isHandshake(await soleFlow(swapped, 'swapped')));
  });

  it('has the time of the packet with its first byte', async () => {
    const frames = talk(dialogs['IMAP (RFC 9051)'] ?? [], 5);
    const { timestamp } = await soleFlow(frames, 'IMAP');
    const prelude = dialogs['IMAP (RFC 9051)']!.reduce((sum, [, bytes]) => sum + Math.ceil(bytes.length / 5), 0);
    const { seconds, microseconds } = frames[3 + prelude]!;
    assert.equal(timestamp, seconds * 1_000_000 + microseconds);
  });

  it('is no longer looked for behind 64 KiB, unless it begins a segment', async () => {
    const chatter = Buffer.alloc(80_000, 'NOOP\r\n');
    const dialog = [...dialogs['SMTP (RFC 3207)']!, ['client', chatter]] as const;
    const conversation = new Conversation().handshake();
    for (const [from, bytes] of dialog) conversation.sendIn(from, bytes, 1400);
    const frames = [...conversation.send('client', Buffer.concat([text('X'), client])).frames];
    const { flows, counters } = await observeFile(pcap(frames));
    assert.deepEqual(flows, []);
    assert.equal(counters['flowsNotTls'], 1);
    const aligned = conversation.sendIn('client', client, 1400).sendIn('server', server, 1400).frames;
    assert.ok(isHandshake(await soleFlow(aligned, 'aligned')));
  });

  it('is not seen in a protocol that has none', async () => {
    const conversation = new Conversation().handshake();
    conversation.send('client', text('GET / HTTP/1.1\r\n\r\n')).send('server', Buffer.concat([text('HTTP'), server]));
    const { flows, counters } = await observeFile(pcap(conversation.frames));
    assert.deepEqual(flows, []);
    assert.equal(counters['flowsNotTls'], 1);
  });
});
