import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { TlsEvent, TlsFields } from '../../src/output/event.js';
import { eventJson } from '../../src/output/event-json.js';

const text = fc.string({ unit: 'binary' });
const optional = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(value, { nil: undefined });
const hashed = fc.record({ hash: text, string: text });

/** Drops what is undefined, as an event's builder does. */
function compact<T extends object>(value: T): T {
  return Object.fromEntries(Object.entries(value).filter(([, item]) => item !== undefined)) as T;
}

const fields = fc
  .record({
    sni: optional(text),
    version: optional(text),
    subject: optional(text),
    client_alpns: optional(fc.array(text)),
    ja3: optional(hashed),
    ja3s: optional(hashed),
    ja4: optional(text),
    session_resumed: optional(fc.boolean()),
  })
  .map((record) => compact(record) as TlsFields);

const event = fc
  .record({
    timestamp: fc.constant('2026-11-24T00:00:00.000001+0000'),
    event_type: fc.constant('tls' as const),
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
    tls: fields,
    hellotap: fc
      .record({
        cipher: optional(fc.constant('1301')),
        group: optional(text),
        ech: fc.boolean(),
        tunnels: optional(fc.constant([{ type: 'gre' as const }, { type: 'vxlan' as const, id: 42 }])),
        client_hello: fc.boolean(),
        server_hello: fc.boolean(),
        verdict: fc.constant({ status: 'unprobed' as const, reason: 'disabled' as const, cached: false }),
      })
      .map((record) => compact(record)),
  })
  .map((record) => compact(record) as TlsEvent);

describe('eventJson', () => {
  it('says of a flow what JSON.stringify says, whatever its texts hold', () => {
    fc.assert(
      fc.property(event, (one) => {
        const line = eventJson(one);
        assert.deepEqual(JSON.parse(line), JSON.parse(JSON.stringify(one)));
        assert.ok(!line.includes('\n'), 'one line');
      }),
    );
  });
});
