import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { communityId } from '../../src/engine/community-id.js';

// Values of the specification's own baseline (github.com/corelight/community-id-spec, baseline/baseline_deflt.json).
describe('Community ID version 1', () => {
  it('gives the published value for a TCP flow over IPv4', () => {
    assert.equal(communityId('TCP', '128.232.110.120', 34855, '66.35.250.204', 80), '1:LQU9qZlK+B5F3KDmev6m5PMibrg=');
  });
  it('gives the same value for the other direction', () => {
    assert.equal(communityId('TCP', '66.35.250.204', 80, '128.232.110.120', 34855), '1:LQU9qZlK+B5F3KDmev6m5PMibrg=');
  });
  it('gives the published value for a UDP flow over IPv4', () => {
    assert.equal(communityId('UDP', '192.168.1.52', 54585, '8.8.8.8', 53), '1:d/FP5EW3wiY1vCndhwleRRKHowQ=');
  });
  it('gives the published value for a TCP flow over IPv6', () => {
    assert.equal(
      communityId('TCP', '2607:f8b0:400c:c03::1a', 25, '2001:470:e5bf:dead:4957:2174:e82c:4887', 63943),
      '1:/qFaeAR+gFe1KYjMzVDsMv+wgU4=',
    );
  });
});
