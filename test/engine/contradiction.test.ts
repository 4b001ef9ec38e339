import assert from 'node:assert/strict';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import { openFileSource } from '../../src/capture/file-source.js';
import { openHelloSet } from '../../src/cli/hello-sets.js';
import {
  choiceOf,
  Expectations,
  offerOf,
  storedHandshakes,
  type Choice,
  type Handshake,
  type Offer,
} from '../../src/engine/contradiction.js';
import { readTlsFlow } from '../../src/engine/tls-flow.js';
import { handshakeText } from '../../src/fingerprint/stack.js';
import { Prober } from '../../src/probe/prober.js';
import { digestOfHellos, type HelloDefinition, type HelloSet } from '../../src/probe/hello-set.js';
import { deployment, labSkipReason, useLab } from '../lab/lab.js';
import { golden } from '../database/scratch.js';

const set = openHelloSet('atsf-2022');

interface Watched {
  readonly address: string;
  readonly named: boolean;
  readonly offer: Offer;
  readonly choice: Choice;
}

/** Full handshakes of captures, as the engine judges them. */
async function watched(folder: string, names: readonly string[]): Promise<Watched[]> {
  const all: Watched[] = [];
  for (const name of names) {
    for await (const batch of openFileSource(join(import.meta.dirname, folder, name)).batches()) {
      for (const record of batch) {
        if (record.kind !== 'flow') continue;
        const { clientHello, serverHello, resumed, server } = readTlsFlow(record);
        const offer = clientHello === null ? null : offerOf(clientHello);
        if (offer === null || serverHello === null || resumed === true) continue;
        const { address, serverName } = server;
        all.push({ address, named: serverName !== null, offer, choice: choiceOf(serverHello) });
      }
    }
  }
  return all;
}

const known = golden.flatMap((line) =>
  line.fingerprint === null ? [] : [{ ...line, handshakes: storedHandshakes(line.fingerprint, set)! }],
);

/** Handshakes held against fingerprints of the servers they went to, or of all others; those that are contradicted. */
function judge(flows: readonly Watched[], own: boolean): { readonly judged: number; readonly contradicted: string[] } {
  let judged = 0;
  const contradicted: string[] = [];
  for (const { deployment: id, ip, server_name: name, handshakes } of known) {
    const expectations = new Expectations(handshakes);
    for (const { address, named, offer, choice } of flows) {
      if ((address === ip) !== own || named !== (name !== null)) continue;
      judged++;
      const reasons = expectations.contradictions(offer, choice);
      if (reasons.length > 0) contradicted.push(`${id}: ${reasons.join('; ')}`);
    }
  }
  return { judged, contradicted };
}

describe("a server's fingerprint", () => {
  let probes: Watched[] = [];
  let clients: Watched[] = [];
  before(async () => {
    probes = await watched('../golden', ['with-sni.pcap', 'without-sni.pcap']);
    const names = ['curl.pcap', 'chromium.pcapng', 'python.pcap', 'openssl.pcap', 'go.pcap', 'java.pcap'];
    clients = await watched('../../samples/captures', names);
  });

  it('explains every handshake of that server, with the ten hellos and with real clients', () => {
    for (const [flows, least] of [
      [probes, 500],
      [clients, 40],
    ] as const) {
      const { judged, contradicted } = judge(flows, true);
      assert.ok(judged >= least, String(judged));
      assert.deepEqual(contradicted, []);
    }
  });

  it('explains each of its ten handshakes by the other nine', () => {
    let judged = 0;
    for (const { deployment: id, handshakes } of known) {
      for (const one of handshakes) {
        judged++;
        const others = new Expectations(handshakes.filter((other) => other !== one));
        assert.deepEqual(others.contradictions(one.offer, one.choice), [], `${id} ${one.name}`);
      }
    }
    assert.ok(judged > 500);
  });

  it('does not explain many handshakes of other configurations', (t) => {
    for (const [name, flows] of [
      ['the ten hellos', probes],
      ['real clients', clients],
    ] as const) {
      const { judged, contradicted } = judge(flows, false);
      const share = contradicted.length / judged;
      t.diagnostic(`${name}: ${contradicted.length} of ${judged} contradicted (${(share * 100).toFixed(1)} %)`);
      assert.ok(share > 0.1);
    }
  });
});

const TLS12 = 0x0303;
const TLS13 = 0x0304;
const handshake = (offer: Partial<Offer>, choice: Partial<Choice>): Handshake => ({
  name: 'stored',
  offer: { versions: [TLS13, TLS12], cipherSuites: [], groups: new Set([29]), extensions: new Set(), ...offer },
  choice: { version: TLS12, cipherSuite: 0, group: null, extensions: [], ...choice },
});

describe('a contradiction', () => {
  const verdict = (stored: readonly Handshake[], now: Handshake): string[] =>
    new Expectations(stored).contradictions(now.offer, now.choice);
  const suites = [0x1301, 0xc02f, 0xc030];
  const speaks13 = handshake({ cipherSuites: suites }, { version: TLS13, cipherSuite: 0x1301, group: 29 });
  const speaks12 = handshake({ cipherSuites: suites }, { cipherSuite: 0xc02f });

  it('is a version lower than one that was offered and is spoken', () => {
    assert.match(verdict([speaks13], speaks12).join(), /^TLS 1.2 was chosen, though TLS 1.3 was offered/);
    const without = handshake({ cipherSuites: [0xc02f] }, { cipherSuite: 0xc02f });
    const otherGroup = handshake({ cipherSuites: suites, groups: new Set([23]) }, { cipherSuite: 0xc02f });
    const lowFirst = handshake({ cipherSuites: suites, versions: [TLS12, TLS13] }, { cipherSuite: 0xc02f });
    for (const now of [without, otherGroup, lowFirst]) assert.deepEqual(verdict([speaks13], now), []);
  });

  it('is a version that was offered before and passed over', () => {
    assert.match(verdict([speaks12], speaks13).join(), /^TLS 1.3 was chosen, which was offered before/);
    const other = handshake({ cipherSuites: [0x1302] }, { version: TLS13, cipherSuite: 0x1302, group: 29 });
    assert.deepEqual(verdict([speaks12], other), []);
  });

  it('is a cipher suite before one that is preferred, by server or client', () => {
    const chose = (cipherSuites: number[], cipherSuite: number): Handshake =>
      handshake({ cipherSuites }, { cipherSuite });
    const stored = [chose([0xc030, 0xc02f], 0xc02f)];
    assert.match(verdict(stored, chose([0xc02f, 0xc030], 0xc030)).join(), /AES_256_GCM_SHA384 was chosen before/);
    // The client's order may be the reason, or that the other certificate or ChaCha20 is asked for.
    for (const now of [
      chose([0xc030, 0xc02f], 0xc030),
      chose([0xc02f, 0xc02c], 0xc02c),
      chose([0xc02f, 0xcca8], 0xcca8),
    ]) {
      assert.deepEqual(verdict(stored, now), []);
    }
  });

  it('is an extension in another place, or answered as never before', () => {
    const offered = { cipherSuites: [0xc02f], extensions: new Set([23, 65281, 35]) };
    const answered = (...extensions: number[]): Handshake => handshake(offered, { cipherSuite: 0xc02f, extensions });
    assert.match(verdict([answered(65281, 23)], answered(23, 65281)).join(), /came before/);
    assert.match(verdict([answered(65281, 23)], answered(65281)).join(), /extended_master_secret was left unanswered/);
    assert.match(verdict([answered(65281)], answered(65281, 23)).join(), /extended_master_secret was answered/);
    assert.deepEqual(verdict([answered(65281, 23)], answered(65281, 35, 23)), []);
  });

  it('is none by a rule of which the stored answers are an exception', () => {
    assert.deepEqual(verdict([speaks13, speaks12], speaks12), []);
  });
});

/** Numbers in [0, 1) that are the same in each run. */
function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

function shuffled<T>(values: readonly T[], random: () => number): T[] {
  return values
    .map((value) => ({ value, key: random() }))
    .sort((a, b) => a.key - b.key)
    .map(({ value }) => value);
}

/** Hellos that no set has: those of several sets with their cipher suites in other orders, and fewer of them. */
function oddHellos(count: number, random: () => number): HelloSet {
  const all = ['atsf-2022', 'jarm-2020', 'ordinary'].flatMap((name) => openHelloSet(name).hellos);
  const hellos = Array.from({ length: count }, (_, index): HelloDefinition => {
    const base = all[index % all.length]!;
    const suites = shuffled(base.cipherSuites, random);
    const kept = suites.slice(0, Math.max(4, Math.ceil(suites.length * (0.3 + 0.7 * random()))));
    return { ...base, name: `odd${String(index).padStart(3, '0')}`, cipherSuites: kept };
  });
  return { ...set, name: 'odd', hellos, digest: digestOfHellos(hellos) };
}

const ids = [
  ...['nginx-default', 'nginx-modern-h2', 'nginx-dual-cert', 'apache-default', 'openssl-default', 'haproxy-default'],
  ...['node-https', 'go-default', 'go-tls10', 'lighttpd-gnutls', 'java-default', 'stunnel-default'],
];

describe('the fingerprint of a running server', { skip: labSkipReason(ids), timeout: 300_000 }, () => {
  useLab(ids);

  it('explains what it answers to hellos of any other kind', async (t) => {
    const targets = ids.map((id) => {
      const { address, port } = deployment(id);
      return { address, port, serverName: null };
    });
    const limits = { rate: 0, perServerRate: 0, concurrency: 20 };
    const own = new Map<string, Expectations>();
    for await (const { target, fingerprint } of new Prober({ helloSet: set, ...limits }).probeAll(targets)) {
      own.set(target.address, new Expectations(storedHandshakes(fingerprint ?? '', set) ?? []));
    }
    const odd = oddHellos(60, randomOf(2022));
    let judged = 0;
    let elsewhere = 0;
    const contradicted: string[] = [];
    const prober = new Prober({
      helloSet: odd,
      ...limits,
      onHandshake: ({ target, hello, observation }) => {
        const definition = odd.hellos.filter(({ name }) => name === hello);
        const [one] = storedHandshakes(handshakeText(observation), { ...odd, hellos: definition }) ?? [];
        if (one === undefined) return;
        for (const [address, expectations] of own) {
          const reasons = expectations.contradictions(one.offer, one.choice);
          if (address !== target.address) elsewhere += reasons.length > 0 ? 1 : 0;
          else {
            judged++;
            if (reasons.length > 0) contradicted.push(`${address} ${hello}: ${reasons.join('; ')}`);
          }
        }
      },
    });
    for await (const result of prober.probeAll(targets)) assert.equal(Object.keys(result.hellos).length, 60);
    t.diagnostic(`${judged} answers judged, ${contradicted.length} contradicted; of other servers ${elsewhere}`);
    assert.ok(judged > 300);
    assert.deepEqual(contradicted, []);
  });
});
