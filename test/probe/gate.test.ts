import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ProbeGate } from '../../src/probe/gate.js';
import type { GatePolicy, GateRefusal, SeenHandshake } from '../../src/probe/gate.js';
import { ReachableNetworks } from '../../src/probe/networks.js';

const PUBLIC = { address: '8.8.8.8' };
const WHOLE: SeenHandshake = { completed: true, oneSided: false };

function gate(policy: Partial<GatePolicy> = {}): ProbeGate {
  return new ProbeGate({
    networks: new ReachableNetworks(null),
    isExcluded: () => false,
    allowOneSided: false,
    newProbesPerMinute: 60,
    clock: () => 0,
    ...policy,
  });
}

describe('the gate before automatic probes', () => {
  it('lets a public server through that a client completed a handshake with', () => {
    const open = gate();
    assert.equal(open.refusal(PUBLIC, WHOLE), null);
    assert.equal(open.counters.allowed, 1);
  });

  const refusals: [GateRefusal, string, SeenHandshake, Partial<GatePolicy>, string][] = [
    ['excluded', 'whose address is excluded', WHOLE, { isExcluded: (address) => address === '8.8.8.8' }, '8.8.8.8'],
    ['network', 'in a network that is not public', WHOLE, {}, '192.168.0.1'],
    ['one-sided', 'that was seen from one side', { completed: false, oneSided: true }, {}, '8.8.8.8'],
    ['incomplete', 'whose handshake did not complete', { completed: false, oneSided: false }, {}, '8.8.8.8'],
  ];
  for (const [reason, which, seen, policy, address] of refusals)
    it(`refuses a server ${which}, and counts it as ${reason} without spending a token`, () => {
      const closed = gate({ newProbesPerMinute: 1, ...policy });
      assert.equal(closed.refusal({ address }, seen), reason);
      const { [reason]: counted, ...others } = closed.counters;
      assert.equal(counted, 1);
      assert.ok(Object.values(others).every((count) => count === 0));
      assert.equal(closed.refusal({ address: '9.9.9.9' }, WHOLE), null);
    });

  it('refuses what is over the budget of a minute, and lets through again as time goes by', () => {
    let now = 0;
    const limited = gate({ newProbesPerMinute: 2, clock: () => now });
    assert.equal(limited.refusal(PUBLIC, WHOLE), null);
    assert.equal(limited.refusal(PUBLIC, WHOLE), null);
    assert.equal(limited.refusal(PUBLIC, WHOLE), 'rate');
    now += 29_000;
    assert.equal(limited.refusal(PUBLIC, WHOLE), 'rate');
    now += 1_001;
    assert.equal(limited.refusal(PUBLIC, WHOLE), null);
    now += 3_600_000;
    const let2 = [1, 2, 3].map(() => limited.refusal(PUBLIC, WHOLE));
    assert.deepEqual(let2, [null, null, 'rate'], 'a quiet hour saves up no more than a minute');
    assert.deepEqual(limited.counters, { allowed: 5, excluded: 0, network: 0, 'one-sided': 0, incomplete: 0, rate: 3 });
  });

  it('takes servers that were seen from one side where it may', () => {
    assert.equal(gate({ allowOneSided: true }).refusal(PUBLIC, { completed: false, oneSided: true }), null);
    assert.equal(
      gate({ allowOneSided: true }).refusal(PUBLIC, { completed: false, oneSided: false }),
      'incomplete',
      'both sides seen, and the client did not accept the server',
    );
  });

  it('asks the exclusions first: they always win', () => {
    const closed = gate({ isExcluded: () => true });
    assert.equal(closed.refusal({ address: '127.0.0.1' }, { completed: false, oneSided: true }), 'excluded');
  });
});
