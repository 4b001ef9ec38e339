import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { pcap, type Frame } from '../capture/captures.js';
import { Conversation, type ConversationOptions, type Side } from '../capture/conversation.js';
import { goldenHandshakes, retryHandshake, tls12Handshake, tls13Handshake } from '../capture/handshakes.js';
import { observeFile, type ObservedFlow } from '../capture/observed.js';

const all = goldenHandshakes();
const tls12 = tls12Handshake(all);
const tls13 = tls13Handshake(all);
const retry = retryHandshake(all);

async function flowsOf(frames: readonly Frame[]): Promise<readonly ObservedFlow[]> {
  const { flows } = await observeFile(pcap(frames));
  return flows;
}

async function flowOf(talk: Conversation): Promise<ObservedFlow> {
  const flows = await flowsOf(talk.frames);
  assert.equal(flows.length, 1);
  return flows[0]!;
}

/** What a plain conversation gives. */
const plain = async (handshake: typeof tls12, options?: ConversationOptions): Promise<ObservedFlow> =>
  flowOf(new Conversation(options).handshake().send('client', handshake.client).send('server', handshake.server));
const [plain12, plain13, plainRetry] = [await plain(tls12), await plain(tls13), await plain(retry)];

const untimed = ({ client, server }: ObservedFlow) => ({ client, server });
const hex = (bytes: Buffer): string => bytes.toString('hex');

/** RFC 5246 appendix E.2: version 3.1, two cipher suites, no session id, a challenge of 16 bytes. */
const sslv2ClientHello = Buffer.concat([Buffer.from('801f01030100060000001000002f00000a', 'hex'), Buffer.alloc(16, 7)]);

describe('a handshake', () => {
  it('of TLS 1.2 is handed over up to ChangeCipherSpec', () => {
    for (const side of ['client', 'server'] as const) {
      assert.equal(plain12[side].end, 'change_cipher_spec');
      assert.equal(plain12[side].changeCipherSpec, true);
      assert.equal(plain12[side].firstApplicationDataLength, 0);
      assert.ok(plain12[side].hex.endsWith('140303000101'));
    }
  });

  it('of TLS 1.3 is handed over up to the first protected record, whose length is noted', () => {
    assert.equal(plain13.server.end, 'application_data');
    assert.ok(plain13.server.firstApplicationDataLength > 0);
    assert.ok(plain13.server.hex.endsWith('140303000101'));
  });

  it('with a HelloRetryRequest is handed over with both hellos of either side', () => {
    for (const side of ['client', 'server'] as const) {
      const { hex: seen, end } = plainRetry[side];
      assert.equal(end, 'application_data');
      const [first, second] = seen.split('140303000101');
      assert.ok(first!.startsWith('1603') && second!.startsWith('1603'), side);
    }
  });

  it('says who is client by the hellos, whatever the ports and addresses are', async () => {
    const talk = new Conversation({ clientPort: 443, serverPort: 50_000 }).handshake();
    const flow = await flowOf(talk.send('client', tls12.client).send('server', tls12.server));
    assert.deepEqual([flow.clientPort, flow.serverPort, flow.clientAddress], [443, 50_000, '192.0.2.1']);
  });

  it('has the time of the packet with the first byte of the client', async () => {
    const talk = new Conversation().handshake().wait(1);
    const { seconds, microseconds } = talk.send('client', tls12.client).frames.at(-1)!;
    assert.equal((await flowOf(talk.send('server', tls12.server))).timestamp, seconds * 1e6 + microseconds);
  });
});

describe('segments', () => {
  for (const size of [1, 7, 100, 1460]) {
    it(`of ${size} bytes give what one segment gives`, async () => {
      for (const [handshake, wanted] of [
        [tls12, plain12],
        [tls13, plain13],
        [retry, plainRetry],
      ] as const) {
        const talk = new Conversation().handshake();
        talk.sendIn('client', handshake.client, size).sendIn('server', handshake.server, size);
        assert.deepEqual(untimed(await flowOf(talk)), untimed(wanted));
      }
    });
  }

  it('that come twice count once', async () => {
    const talk = new Conversation().handshake().sendIn('client', tls12.client, 300).sendIn('server', tls12.server, 300);
    assert.deepEqual(untimed((await flowsOf(talk.frames.flatMap((frame) => [frame, frame])))[0]!), untimed(plain12));
    assert.equal((await flowsOf([...talk.frames, ...talk.frames])).length, 1, 'the whole connection again');
  });

  it('cut anywhere, repeated, overlapping and in another order within a window give the same', async () => {
    const cuts = fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 40 });
    const moves = fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 200, maxLength: 200 });
    await fc.assert(
      fc.asyncProperty(cuts, moves, fc.boolean(), async (sizes, order, overlap) => {
        const talk = new Conversation().handshake();
        for (const side of ['client', 'server'] as const) {
          const bytes = tls12[side];
          for (let at = 0, i = 0; at < bytes.length; i++) {
            const size = sizes[i % sizes.length]!;
            const begin = overlap ? Math.max(0, at - (size >> 1)) : at;
            talk.at(side, begin, bytes.subarray(begin, at + size));
            at += size;
          }
        }
        const [opening, segments] = [talk.frames.slice(0, 3), talk.frames.slice(3)];
        const shuffled = segments
          .flatMap((frame, index) => (order[index % order.length] === 0 ? [frame, frame] : [frame]))
          .map((frame, index) => ({ frame, place: index + order[index % order.length]! }))
          .sort((a, b) => a.place - b.place)
          .map(({ frame }) => frame);
        const flows = await flowsOf([...opening, ...shuffled]);
        assert.deepEqual(flows.map(untimed), [untimed(plain12)]);
      }),
      { numRuns: 60 },
    );
  });

  it('that overlap with other bytes change nothing of what came first', async () => {
    const talk = new Conversation().handshake().send('client', tls12.client.subarray(0, 100));
    talk
      .at('client', 20, Buffer.alloc(60, 0xee))
      .at('client', 50, Buffer.concat([Buffer.alloc(50, 0xee), tls12.client.subarray(100)]));
    talk.send('server', tls12.server);
    assert.deepEqual(untimed(await flowOf(talk)), untimed(plain12));
  });

  it('that came before their turn win over those that fill the hole', async () => {
    const { client, server } = tls12;
    const talk = new Conversation().handshake().at('client', 200, client.subarray(200, 300));
    talk.at('client', 100, Buffer.concat([client.subarray(100, 200), Buffer.alloc(100, 0xee)]));
    talk.at('client', 0, client.subarray(0, 100)).at('client', 300, client.subarray(300));
    assert.deepEqual(untimed(await flowOf(talk.send('server', server))), untimed(plain12));
  });

  it('go on over the wrap of sequence numbers', async () => {
    for (const back of [1, 50, 300, 1000]) {
      const talk = new Conversation({ clientIsn: 2 ** 32 - back, serverIsn: 2 ** 32 - 2 * back }).handshake();
      talk.sendIn('client', tls12.client, 64).sendIn('server', tls12.server, 64);
      assert.deepEqual(untimed(await flowOf(talk)), untimed(plain12));
    }
  });

  it('with data in the SYN (TCP Fast Open) begin there', async () => {
    const talk = new Conversation().syn('client', tls12.client.subarray(0, 90)).syn('server').ack('client');
    talk.send('client', tls12.client.subarray(90)).send('server', tls12.server);
    assert.deepEqual(untimed(await flowOf(talk)), untimed(plain12));
  });

  it('that are acknowledged before they come, each time anew, are waited for', async () => {
    const talk = new Conversation().handshake().send('client', tls12.client).sendIn('server', tls12.server, 5);
    const acknowledged = new Conversation().handshake().send('client', tls12.client);
    for (let at = 0; at < tls12.server.length; at += 5) {
      acknowledged.send('server', tls12.server.subarray(at, at + 5)).ack('client');
    }
    const acknowledgements = acknowledged.frames.filter(({ data }, i) => i > 3 && data.readUInt16BE(34) === 40_000);
    const frames = talk.frames.flatMap((frame, i) => (i > 3 ? [acknowledgements[i - 4]!, frame] : [frame]));
    // Acknowledgements are looked at only while bytes are missing somewhere.
    const other = new Conversation({ clientPort: 5 }).handshake().at('client', 50, Buffer.alloc(10));
    assert.deepEqual((await flowsOf([...other.frames, ...frames])).map(untimed), [untimed(plain12)]);
  });

  it('of a keep-alive, one byte before their turn, are nothing', async () => {
    const talk = new Conversation().handshake().at('client', -1, Buffer.from([0]));
    talk
      .send('client', tls12.client)
      .at('server', -1, Buffer.from([0]))
      .send('server', tls12.server);
    assert.deepEqual(untimed(await flowOf(talk)), untimed(plain12));
  });

  it('padded by Ethernet are as long as IP says', async () => {
    const talk = new Conversation().handshake();
    for (const byte of tls12.client) talk.send('client', Buffer.from([byte]), { padding: 5 });
    assert.deepEqual(untimed(await flowOf(talk.send('server', tls12.server))), untimed(plain12));
  });
});

describe('a connection of which part is missing', () => {
  it('is taken up without its SYN where it begins with a hello, also when the answer is cut small', async () => {
    const talk = new Conversation().send('client', tls12.client).sendIn('server', tls12.server, 11);
    assert.deepEqual(untimed(await flowOf(talk)), untimed(plain12));
  });

  it('is taken up at the ServerHello, and the client is then who it was sent to', async () => {
    const flow = await flowOf(new Conversation().send('server', tls12.server));
    assert.equal(flow.clientPort, 40_000);
    assert.deepEqual(flow.client, { hex: '', end: 'none', firstApplicationDataLength: 0, changeCipherSpec: false });
    assert.deepEqual(flow.server, plain12.server);
  });

  it('is not taken up in the middle of anything else', async () => {
    const talk = new Conversation().send('client', tls12.client.subarray(1)).send('server', tls12.server.subarray(30));
    assert.deepEqual(await flowsOf(talk.frames), []);
  });

  it('with only the client captured says that of the server nothing was seen', async () => {
    const talk = new Conversation().handshake().send('client', tls12.client).send('server', tls12.server);
    const flows = await flowsOf(talk.frames.filter(({ data }) => data.readUInt16BE(34) === 40_000));
    assert.equal(flows[0]!.server.end, 'none');
    assert.deepEqual(flows[0]!.client, plain12.client);
  });

  it('ends with a gap where bytes never came, and has what is before them', async () => {
    const { client, server } = tls12;
    const talk = new Conversation().handshake().send('client', client).send('server', server.subarray(0, 400));
    const flow = await flowOf(talk.at('server', 500, server.subarray(500)).fin('client'));
    assert.equal(flow.server.end, 'gap');
    assert.equal(flow.server.hex, hex(server.subarray(0, 400)));
  });

  const later = new Conversation({ clientPort: 41_000, start: 1_700_000_001_000_000 }).handshake();
  later.send('client', tls12.client).send('server', tls12.server);

  it('is handed over without waiting for its end once what is missing was acknowledged long ago', async () => {
    const { client, server } = tls12;
    const talk = new Conversation().handshake().send('client', client).send('server', server.subarray(0, 400));
    const lost = talk.frames.length;
    talk.send('server', server.subarray(400, 600)).send('server', server.subarray(600));
    for (let i = 0; i < 40; i++) talk.ack('client');
    const frames = talk.frames.filter((_, index) => index !== lost);
    const { flows, counters } = await observeFile(pcap([...frames, ...later.frames]));
    assert.deepEqual(
      flows.map((flow) => [flow.clientPort, flow.server.end]),
      [
        [40_000, 'gap'],
        [41_000, 'change_cipher_spec'],
      ],
    );
    assert.equal(counters['streamGaps'], 1);
  });

  it('is handed over without waiting for its end where one side was not captured', async () => {
    const talk = new Conversation().handshake().send('client', tls12.client).send('server', tls12.server);
    for (let i = 0; i < 40; i++) talk.send('client', Buffer.from('1703030001ff', 'hex'));
    const frames = talk.frames.filter(({ data }) => data.readUInt16BE(34) === 40_000);
    const flows = await flowsOf([...frames, ...later.frames]);
    assert.deepEqual(
      flows.map((flow) => [flow.clientPort, flow.server.end]),
      [
        [40_000, 'none'],
        [41_000, 'change_cipher_spec'],
      ],
    );
  });
});

describe('what ends a direction', () => {
  const short = tls12.client.subarray(0, 5 + tls12.client.readUInt16BE(3));

  it('is a FIN', async () => {
    const talk = new Conversation()
      .handshake()
      .send('client', short)
      .fin('client')
      .send('server', tls12.server)
      .fin('server');
    assert.deepEqual((await flowOf(talk)).client, {
      ...plain12.client,
      hex: hex(short),
      end: 'fin',
      changeCipherSpec: false,
    });
  });

  it('is a RST, which does not cost what was captured after it by a hair', async () => {
    const talk = new Conversation()
      .handshake()
      .send('client', short)
      .rst('server')
      .wait(0.5)
      .send('server', tls12.server.subarray(0, 200));
    const flow = await flowOf(talk);
    assert.equal(flow.server.hex, hex(tls12.server.subarray(0, 200)));
    assert.deepEqual([flow.client.end, flow.server.end], ['rst', 'rst']);
  });

  it('is a RST without an answer', async () => {
    const flow = await flowOf(new Conversation().handshake().send('client', short).rst('server'));
    assert.deepEqual([flow.server.end, flow.server.hex], ['rst', '']);
  });

  it('is the end of the capture, and it stays open', async () => {
    const flow = await flowOf(new Conversation().handshake().send('client', short));
    assert.deepEqual([flow.client.end, flow.server.end], ['open', 'open']);
  });

  it('is the limit of 64 KiB', async () => {
    const record = Buffer.concat([Buffer.from('1603034000', 'hex'), Buffer.alloc(16_384, 0x0b)]);
    const server = Buffer.concat([
      tls12.server.subarray(0, 5 + tls12.server.readUInt16BE(3)),
      ...Array<Buffer>(6).fill(record),
    ]);
    const talk = new Conversation().handshake().send('client', tls12.client).sendIn('server', server, 1400);
    const flow = await flowOf(talk);
    assert.equal(flow.server.end, 'limit');
    assert.equal(flow.server.hex, hex(server.subarray(0, 65_536)));
  });

  it('is what is no TLS record', async () => {
    const hello = tls12.server.subarray(0, 5 + tls12.server.readUInt16BE(3));
    const talk = new Conversation().handshake().send('client', tls12.client);
    const flow = await flowOf(
      talk.send('server', Buffer.concat([hello, Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n')])),
    );
    assert.deepEqual([flow.server.end, flow.server.hex], ['not_tls', hex(hello)]);
  });

  it('is an answer that is no TLS at all', async () => {
    const talk = new Conversation().handshake().send('client', tls12.client);
    const flow = await flowOf(talk.send('server', Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n')));
    assert.deepEqual([flow.server.end, flow.server.hex], ['not_tls', '']);
  });
});

describe('the gate', () => {
  const alert = all.find(({ server }) => server[0] === 21)!;

  it("passes on an alert that is the server's first answer", async () => {
    const flow = await flowOf(
      new Conversation().handshake().send('client', alert.client).send('server', alert.server).fin('server'),
    );
    assert.equal(flow.server.hex, hex(alert.server));
  });

  it('passes on an alert that overtook the ClientHello', async () => {
    const flow = await flowOf(new Conversation().handshake().send('server', alert.server).send('client', alert.client));
    assert.equal(flow.server.hex, hex(alert.server));
  });

  it('drops what begins like no TLS, and remembers nothing of it', async () => {
    for (const opening of [
      'GET / HTTP/1.1\r\n\r\n',
      'SSH-2.0-OpenSSH_9.2\r\n',
      '\x16\x02\x00\x00\x01\x01',
      '\x16\x03\x05\x00\x20\x01',
    ]) {
      const talk = new Conversation()
        .handshake()
        .send('client', Buffer.from(opening, 'latin1'))
        .send('server', Buffer.alloc(100));
      const { flows, counters } = await observeFile(pcap(talk.frames));
      assert.deepEqual(flows, []);
      assert.equal(counters['flowsNotTls'], 1);
    }
  });

  it('takes a ClientHello behind a greeting in clear text (STARTTLS)', async () => {
    const talk = new Conversation().handshake().send('server', Buffer.from('220 mail.example.test ESMTP\r\n'));
    talk.send('client', Buffer.from('STARTTLS\r\n')).send('server', Buffer.from('220 2.0.0 Ready\r\n'));
    assert.deepEqual(
      untimed(await flowOf(talk.send('client', tls12.client).send('server', tls12.server))),
      untimed(plain12),
    );
  });

  it('takes a ClientHello in the format of SSL 2.0', async () => {
    const talk = new Conversation().handshake().sendIn('client', sslv2ClientHello, 5).send('server', tls12.server);
    const flow = await flowOf(talk);
    assert.deepEqual([flow.client.hex, flow.clientPort], [hex(sslv2ClientHello), 40_000]);
    assert.deepEqual(flow.server, plain12.server);
  });

  it('takes a ServerHello of SSL 2.0, and tells by it who the server is', async () => {
    // draft-hickman-netscape-ssl-00: no session id hit, X.509, version 2, a certificate of 20 bytes, two cipher specs, a connection id.
    const hello = Buffer.concat([
      Buffer.from('802d0400010002001400060010', 'hex'),
      Buffer.alloc(20, 3),
      Buffer.from('010080020080', 'hex'),
      Buffer.alloc(16, 7),
    ]);
    hello.writeUInt16BE(0x8000 | (hello.length - 2), 0);
    const flow = await flowOf(new Conversation().handshake().sendIn('server', hello, 5));
    assert.deepEqual([flow.server.hex, flow.serverPort], [hex(hello), 443]);
    const both = await flowOf(new Conversation().handshake().send('client', sslv2ClientHello).send('server', hello));
    assert.deepEqual([both.client.hex, both.server.hex], [hex(sslv2ClientHello), hex(hello)]);
  });

  it('does not take the sides for each other when both send a ClientHello', async () => {
    const flow = await flowOf(new Conversation().handshake().send('client', tls12.client).send('server', tls13.client));
    assert.deepEqual([flow.clientPort, flow.server.end, flow.server.hex], [40_000, 'not_tls', '']);
  });
});

describe('ports that are used again', () => {
  const talkOf = (clientIsn: number, start: number): Conversation =>
    new Conversation({ clientIsn, serverIsn: clientIsn * 3, start }).handshake();
  const start = 1_700_000_000_000_000;

  it('begin a new flow', async () => {
    const first = talkOf(100_000, start).send('client', tls12.client).send('server', tls12.server);
    const second = talkOf(700_000, start + 1e6)
      .send('client', tls13.client)
      .send('server', tls13.server);
    const flows = await flowsOf([...first.frames, ...second.frames]);
    assert.deepEqual(flows.map(untimed), [untimed(plain12), untimed(plain13)]);
  });

  it('begin a new flow also where the one before was not over', async () => {
    const first = talkOf(100_000, start).send('client', tls12.client.subarray(0, 100));
    const second = talkOf(700_000, start + 1e6)
      .send('client', tls13.client)
      .send('server', tls13.server);
    const flows = await flowsOf([...first.frames, ...second.frames]);
    assert.deepEqual(
      flows.map(({ client }) => client.end),
      ['open', plain13.client.end],
    );
    assert.deepEqual(untimed(flows[1]!), untimed(plain13));
  });

  it('are no new flow where the SYN is only sent again', async () => {
    const talk = talkOf(100_000, start)
      .syn('client')
      .send('client', tls12.client)
      .syn('server')
      .syn('client')
      .send('server', tls12.server);
    assert.deepEqual(untimed(await flowOf(talk)), untimed(plain12));
  });

  it('are no new flow where a second SYN-ACK has another number', async () => {
    for (const already of [0, 200]) {
      const talk = talkOf(100_000, start)
        .send('client', tls12.client)
        .send('server', tls12.server.subarray(0, already));
      talk.syn('server', Buffer.alloc(0), 9_999_999).send('server', tls12.server.subarray(already));
      assert.deepEqual(untimed(await flowOf(talk)), untimed(plain12), `after ${already} bytes`);
    }
  });
});

describe('IP', () => {
  const whole = (talk: Conversation): Conversation =>
    talk.handshake().send('client', tls12.client).send('server', tls12.server);
  const next = (...bytes: number[]): Buffer => Buffer.from(bytes);

  it('version 4 with options is read past them', async () => {
    assert.deepEqual(
      untimed(await flowOf(whole(new Conversation({ ipOptions: Buffer.alloc(40, 1) })))),
      untimed(plain12),
    );
  });

  it('version 6 is read, with addresses as RFC 5952 has them', async () => {
    const flow = await flowOf(whole(new Conversation({ ipv6: true })));
    assert.deepEqual([flow.clientAddress, flow.serverAddress], ['2001:db8::1', '2001:db8:1::2']);
    assert.deepEqual(untimed(flow), untimed(plain12));
  });

  const extensions: readonly [name: string, first: number, bytes: Buffer][] = [
    ['hop-by-hop options', 0, next(6, 0, 1, 4, 0, 0, 0, 0)],
    [
      'routing and destination options',
      43,
      Buffer.concat([next(60, 1), Buffer.alloc(14), next(6, 0), Buffer.alloc(6)]),
    ],
    ['an authentication header', 51, Buffer.concat([next(6, 4), Buffer.alloc(22)])],
    ['an atomic fragment', 44, next(6, 0, 0, 0, 1, 2, 3, 4)],
  ];
  for (const [name, first, bytes] of extensions) {
    it(`version 6 with ${name} is read past them`, async () => {
      assert.deepEqual(
        untimed(await flowOf(whole(new Conversation({ ipv6: true, extensions: { first, bytes } })))),
        untimed(plain12),
      );
    });
  }

  it('packets with a length of zero, as segmentation offload leaves them, are as long as their frame', async () => {
    const frames = whole(new Conversation()).frames.map((frame) => ({ ...frame, data: Buffer.from(frame.data) }));
    for (const { data } of frames) data.writeUInt16BE(0, 16);
    assert.deepEqual((await flowsOf(frames)).map(untimed), [untimed(plain12)]);
  });

  it('headers that contradict themselves are counted and survived', async () => {
    const frames = whole(new Conversation()).frames.map((frame) => ({ ...frame, data: Buffer.from(frame.data) }));
    const broken = [14, 16, 46].map((at) => {
      const data = Buffer.from(frames[3]!.data);
      data.writeUInt8(at === 14 ? 0x41 : at === 16 ? 0 : 0x10, at);
      if (at === 16) data.writeUInt8(5, 17);
      return { ...frames[3]!, data };
    });
    const { flows, anomalies, counters } = await observeFile(pcap([...broken, ...frames]));
    assert.deepEqual(flows.map(untimed), [untimed(plain12)]);
    assert.deepEqual(
      anomalies.map(({ code }) => code),
      ['bad_ip_header', 'bad_tcp_header'],
    );
    assert.equal(counters['malformedPackets'], 3);
  });
});

describe('sides', () => {
  it('may each come before the other', async () => {
    const sides: readonly Side[] = ['server', 'client'];
    const talk = new Conversation().handshake();
    for (const side of sides) talk.send(side, tls12[side]);
    assert.deepEqual(untimed(await flowOf(talk)), untimed(plain12));
  });
});
