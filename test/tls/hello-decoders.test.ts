import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { ja3 } from '../../src/fingerprint/ja3.js';
import { ja3s } from '../../src/fingerprint/ja3s.js';
import { ja4 } from '../../src/fingerprint/ja4.js';
import { decodeCertificateRequest } from '../../src/tls/certificate-request.js';
import { decodeCertificateList, decodeCertificateTls13, firstCertificate } from '../../src/tls/certificate.js';
import type { ClientHello } from '../../src/tls/client-hello.js';
import { decodeClientHello, decodeSslv2ClientHello } from '../../src/tls/client-hello.js';
import { ExtensionType, HandshakeType } from '../../src/tls/constants.js';
import { decodeEncryptedExtensions } from '../../src/tls/encrypted-extensions.js';
import { readOpening } from '../../src/tls/handshake-stream.js';
import {
  decodeDraftHelloRetryRequest,
  decodeServerHello,
  selectedGroup,
  selectedProtocols,
  selectedVersion,
} from '../../src/tls/server-hello.js';
import type { ServerHello } from '../../src/tls/server-hello.js';
import { goldenConversations } from './golden-openings.js';

const CONVERSATIONS = goldenConversations('with-sni.pcap');

function bodies(side: 'clientBytes' | 'serverBytes', type: HandshakeType): Uint8Array[] {
  const seen = new Map<string, Uint8Array>();
  for (const conversation of CONVERSATIONS) {
    for (const message of readOpening(conversation[side]).messages) {
      // Randoms and key shares differ each time: one of each length is enough.
      if (message.type === type) seen.set(`${message.body.length}`, message.body);
    }
  }
  return [...seen.values()];
}

const CLIENT_HELLOS = bodies('clientBytes', HandshakeType.ClientHello);
const SERVER_HELLOS = bodies('serverBytes', HandshakeType.ServerHello);
const CERTIFICATES = bodies('serverBytes', HandshakeType.Certificate);

/** Everything that can be asked of a hello: nothing of it may throw. */
function useClientHello(hello: ClientHello): void {
  assert.ok(hello.random.length <= 0xffff && hello.sessionId.length <= 0xffff);
  assert.ok(hello.cipherSuites.every((suite) => suite >= 0 && suite <= 0xffff));
  const lists = [hello.supportedVersions, hello.supportedGroups, hello.ecPointFormats, hello.signatureAlgorithms];
  for (const list of [...lists, hello.keyShareGroups]) assert.ok(list === null || list.length <= hello.bytes.length);
  assert.equal(typeof (hello.serverName ?? ''), 'string');
  assert.ok((hello.alpn ?? []).length <= hello.bytes.length);
  assert.ok(['outer', 'inner', null].includes(hello.encryptedClientHello));
  assert.equal(hello.extensions?.list().length, hello.extensions?.count);
  assert.ok(!hello.offersPreSharedKey || hello.extensions?.has(ExtensionType.PreSharedKey));
  const digest = ja3(hello);
  assert.match(ja4(hello, 'q') ?? 'q00i000000_x_y', /^q[0-9a-z]{2}[di]\d{4}[0-9A-Za-z]{2}_[0-9a-z]+_[0-9a-z]+$/);
  assert.equal(digest === null, hello.format === 'sslv2');
}

function useServerHello(hello: ServerHello): void {
  assert.ok(selectedVersion(hello) <= 0xffff);
  assert.ok((selectedGroup(hello) ?? 0) <= 0xffff);
  assert.ok((selectedProtocols(hello) ?? []).length < 0xffff);
  assert.equal(hello.extensions?.list().length, hello.extensions?.count);
  assert.match(ja3s(hello).string, /^\d+,\d+,[\d-]*$/);
}

function typesOf(hello: ClientHello): ExtensionType[] {
  return hello.extensions?.list().map((extension) => extension.type) ?? [];
}

function mutated(seeds: readonly Uint8Array[]): fc.Arbitrary<Uint8Array> {
  return fc
    .tuple(fc.constantFrom(...seeds), fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 6 }), fc.nat())
    .map(([bytes, changes, cut]) => {
      const copy = Uint8Array.from(bytes.subarray(0, cut % 3 === 0 ? cut % (bytes.length + 1) : bytes.length));
      for (const [at, value] of changes) if (copy.length > 0) copy[at % copy.length] = value;
      return copy;
    });
}

describe('a ClientHello', () => {
  it('cut anywhere is malformed, or says that its extensions are', () => {
    for (const body of CLIENT_HELLOS) {
      const whole = decodeClientHello(body);
      assert.ok(whole.kind === 'message' && whole.value.fault === null);
      for (let length = 0; length < body.length; length += 1) {
        const part = decodeClientHello(body.subarray(0, length));
        if (part.kind === 'malformed') continue;
        assert.deepEqual(part.value.cipherSuites, whole.value.cipherSuites);
        assert.ok(part.value.fault !== null || part.value.extensions === null, `${length} of ${body.length}`);
        const types = typesOf(part.value);
        assert.deepEqual(types, typesOf(whole.value).slice(0, types.length));
      }
    }
  });

  it('with one malformed extension keeps its ciphers, its other extensions and its JA3', () => {
    const body = Uint8Array.from(
      CLIENT_HELLOS.find((candidate) => {
        const decoded = decodeClientHello(candidate);
        return decoded.kind === 'message' && decoded.value.alpn !== null;
      })!,
    );
    const before = decodeClientHello(body);
    assert.ok(before.kind === 'message');
    const { extensions } = before.value;
    assert.ok(extensions);
    const alpn = extensions.startAt(extensions.indexOf(ExtensionType.ApplicationLayerProtocolNegotiation));
    const digest = ja3(before.value);
    body[alpn] = 0xff;
    const after = decodeClientHello(body);
    assert.ok(after.kind === 'message');
    assert.equal(after.value.alpn, null);
    assert.equal(after.value.serverName, before.value.serverName);
    assert.deepEqual(ja3(after.value), digest);
  });

  it('whose extensions are said to be longer than it keeps those that are there', () => {
    const body = Uint8Array.from(CLIENT_HELLOS[0]!);
    const whole = decodeClientHello(body);
    assert.ok(whole.kind === 'message');
    const lengthAt = whole.value.layout.compressionEnd;
    body[lengthAt] = (body[lengthAt] ?? 0) + 1;
    const longer = decodeClientHello(body);
    assert.ok(longer.kind === 'message');
    assert.deepEqual(longer.value.fault, {
      kind: 'malformed',
      offset: lengthAt,
      reason: 'extensions end 256 bytes early',
    });
    assert.equal(longer.value.extensions?.count, whole.value.extensions?.count);
  });

  it('never throws, whatever its bytes are', () => {
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array(), mutated(CLIENT_HELLOS)), (bytes) => {
        const decoded = decodeClientHello(bytes);
        if (decoded.kind === 'message') useClientHello(decoded.value);
        const sslv2 = decodeSslv2ClientHello(bytes);
        if (sslv2.kind === 'message') useClientHello(sslv2.value);
      }),
      { numRuns: 3000 },
    );
  });
});

describe('a ClientHello in SSLv2 format (RFC 5246 appendix E.2)', () => {
  const ciphers = [0x01, 0x00, 0x80, 0x00, 0x00, 0x39, 0x00, 0x00, 0xff, 0x00, 0xc0, 0x14];
  const challenge = Array.from({ length: 16 }, (_, index) => index);
  const message = [1, 3, 1, 0, ciphers.length, 0, 0, 0, challenge.length, ...ciphers, ...challenge];
  const bytes = Uint8Array.of(0x80 | (message.length >> 8), message.length & 0xff, ...message);

  it('is found at the start of an opening', () => {
    const { sslv2ClientHello, end, recordVersion } = readOpening(bytes);
    assert.deepEqual(end, { kind: 'end' });
    assert.equal(recordVersion, null);
    const decoded = decodeSslv2ClientHello(sslv2ClientHello ?? new Uint8Array());
    assert.ok(decoded.kind === 'message');
    const hello = decoded.value;
    assert.equal(hello.format, 'sslv2');
    assert.equal(hello.legacyVersion, 0x0301);
    assert.deepEqual(hello.cipherSuites, [0x0039, 0x00ff, 0xc014]);
    assert.deepEqual([...hello.random], challenge);
    assert.equal(hello.extensions, null);
  });

  it('has neither JA3 nor JA4', () => {
    const decoded = decodeSslv2ClientHello(Uint8Array.from(message));
    assert.ok(decoded.kind === 'message');
    assert.equal(ja3(decoded.value), null);
    assert.equal(ja4(decoded.value), null);
  });

  it('cut anywhere asks for more', () => {
    for (let length = 5; length < bytes.length; length += 1) {
      assert.deepEqual(readOpening(bytes.subarray(0, length)).end, {
        kind: 'need_more',
        missing: bytes.length - length,
      });
    }
  });
});

describe('a ServerHello', () => {
  it('cut anywhere is malformed, or says that its extensions are', () => {
    for (const body of SERVER_HELLOS) {
      const whole = decodeServerHello(body);
      assert.ok(whole.kind === 'message');
      for (let length = 0; length < body.length; length += 1) {
        const part = decodeServerHello(body.subarray(0, length));
        if (part.kind === 'malformed') continue;
        assert.equal(part.value.cipherSuite, whole.value.cipherSuite);
        assert.ok(part.value.framing !== null || part.value.extensions === null, `${length} of ${body.length}`);
      }
    }
  });

  it('never throws, whatever its bytes are', () => {
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array(), mutated(SERVER_HELLOS)), (bytes) => {
        for (const decoded of [decodeServerHello(bytes), decodeDraftHelloRetryRequest(bytes)]) {
          if (decoded.kind === 'message') useServerHello(decoded.value);
        }
      }),
      { numRuns: 3000 },
    );
  });

  it('of a draft of TLS 1.3 before draft 22 has neither session id nor compression', () => {
    const random = Array.from({ length: 32 }, () => 7);
    const body = Uint8Array.of(0x7f, 0x13, ...random, 0x13, 0x01, 0x00, 0x06, 0x00, 40, 0x00, 2, 0x00, 29);
    const decoded = decodeServerHello(body);
    assert.ok(decoded.kind === 'message');
    assert.equal(decoded.value.cipherSuite, 0x1301);
    assert.equal(decoded.value.sessionId.length, 0);
    assert.equal(decoded.value.extensions?.count, 1);
    assert.equal(selectedVersion(decoded.value), 0x7f13);
  });
});

describe('the messages that follow', () => {
  it('give the certificate of the server from the beginning of the message alone', () => {
    assert.ok(CERTIFICATES.length > 2);
    for (const body of CERTIFICATES) {
      const list = decodeCertificateList(body);
      assert.ok(list.kind === 'message');
      const first = list.value[0]!;
      assert.deepEqual(firstCertificate(body), first);
      assert.deepEqual(firstCertificate(body.subarray(0, 6 + first.length)), first);
      assert.equal(firstCertificate(body.subarray(0, 5 + first.length)), null);
      assert.equal(decodeCertificateList(body.subarray(0, -1)).kind, 'malformed');
    }
  });

  it('of TLS 1.3 tell what was read before a fault', () => {
    const entry = [0, 0, 2, 0x30, 0x00, 0, 5, 0, 5, 0, 1, 9];
    const twice = [...entry, ...entry];
    const good = decodeCertificateTls13(Uint8Array.of(0, 0, 0, twice.length, ...twice));
    assert.equal(good.fault, null);
    assert.equal(good.entries.length, 2);
    assert.deepEqual(good.entries[0]?.extensions.list(), [{ type: 5, data: Uint8Array.of(9) }]);
    const cut = decodeCertificateTls13(Uint8Array.of(0, 0, 0, twice.length, ...twice.slice(0, -3)));
    assert.equal(cut.fault?.kind, 'malformed');
    const inner = decodeCertificateTls13(Uint8Array.of(0, 0, 0, 12, ...entry.slice(0, 10), 9, 9));
    assert.equal(inner.entries.length, 1);
    assert.match(inner.fault?.reason ?? '', /extension 5 ends/);
  });

  it('never throw, whatever their bytes are', () => {
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array(), mutated(CERTIFICATES)), (bytes) => {
        decodeCertificateList(bytes);
        firstCertificate(bytes);
        const tls13 = decodeCertificateTls13(bytes);
        for (const entry of tls13.entries) entry.extensions.list();
        const encrypted = decodeEncryptedExtensions(bytes);
        if (encrypted.kind === 'message') encrypted.value.block?.list();
        const request = decodeCertificateRequest(bytes);
        if (request.kind === 'message') request.value.block?.list();
      }),
      { numRuns: 2000 },
    );
  });
});
