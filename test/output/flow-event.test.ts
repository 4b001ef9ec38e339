import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { FlowIdentity, TlsFields } from '../../src/output/event.js';
import { FlowEvent, SharedFields, type FlowParts } from '../../src/output/flow-event.js';
import { TextBuffer } from '../../src/output/text-buffer.js';

const text = fc.string({ unit: 'binary' });
const optional = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(value, { nil: undefined });
const hashed = fc.record({ hash: text, string: text });

/** Drops what is undefined, as an event's builder does. */
function compact<T extends object>(value: T): T {
  return Object.fromEntries(Object.entries(value).filter(([, item]) => item !== undefined)) as T;
}

const fields = (members: Record<string, fc.Arbitrary<unknown>>): fc.Arbitrary<SharedFields> =>
  fc.record(members).map((record) => new SharedFields(compact(record) as TlsFields));

const parts: fc.Arbitrary<FlowParts> = fc.record({
  sni: fc.option(text),
  client: fc.option(
    fc.record({
      tls: fields({ client_alpns: optional(fc.array(text)), ja3: optional(hashed), ja4: optional(text) }),
      ech: fc.boolean(),
    }),
  ),
  server: fc.option(
    fc.record({
      tls: fields({ version: optional(text), ja3s: optional(hashed) }),
      cipher: fc.constant('1301'),
      group: fc.option(text),
    }),
  ),
  certificate: fc.option(fields({ subject: optional(text), serial: optional(text) })),
  resumed: fc.option(fc.boolean()),
  handshake: fc.option(text),
  tunnels: fc.constantFrom(null, [{ type: 'gre' as const }, { type: 'vxlan' as const, id: 42 }]),
});

const identity = fc
  .record({
    flow_id: fc.nat(),
    pcap_filename: optional(text),
    in_iface: optional(text),
    src_ip: fc.ipV6(),
    src_port: fc.nat(65535),
    dest_ip: fc.ipV4(),
    dest_port: fc.nat(65535),
    proto: fc.constant('TCP' as const),
    vlan: optional(fc.array(fc.nat(4095), { minLength: 1 })),
    tunnel: optional(
      fc.constant({ src_ip: '192.0.2.1', dest_ip: '192.0.2.2', dest_port: 4789, proto: 'UDP', depth: 1 }),
    ),
    community_id: fc.constant('1:LQU9qZlK+B5F3KDmev6m5PMibrg='),
  })
  .map((record) => compact(record) as FlowIdentity);

const verdict = { status: 'unprobed', reason: 'disabled', cached: false } as const;

describe('the event of a flow', () => {
  it('is written as JSON.stringify writes it, whatever its texts hold', () => {
    const out = new TextBuffer(16);
    fc.assert(
      fc.property(identity, parts, (one, made) => {
        const event = new FlowEvent(1_700_000_000_000_001, one, made, verdict);
        out.clear();
        event.write(out);
        assert.equal(out.view().toString(), JSON.stringify(event));
      }),
    );
  });

  it('reads as any other event does', () => {
    fc.assert(
      fc.property(identity, parts, (one, made) => {
        const event = new FlowEvent(1_700_000_000_000_001, one, made, verdict);
        const plain = JSON.parse(JSON.stringify(event)) as Record<string, unknown>;
        assert.equal(plain['timestamp'], event.timestamp);
        for (const key of Object.keys(one) as (keyof FlowIdentity)[]) {
          assert.deepEqual(plain[key], JSON.parse(JSON.stringify(event[key])));
        }
        assert.deepEqual(plain['tls'], JSON.parse(JSON.stringify(event.tls)));
        assert.deepEqual(plain['hellotap'], JSON.parse(JSON.stringify(event.hellotap)));
      }),
    );
  });
});
