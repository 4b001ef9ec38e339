import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { hellotap } from './hellotap.js';

const commands = [
  ...['triage', 'watch', 'probe', 'evaluate', 'explain', 'interfaces'].map((name) => [name]),
  ...['import', 'export', 'label', 'show', 'stats', 'verify', 'compact', 'merge', 'prune', 'nearest'].map((name) => [
    'db',
    name,
  ]),
  ...['record', 'check', 'list', 'forget'].map((name) => ['baseline', name]),
];

describe('the help of', () => {
  for (const command of commands) {
    it(`${command.join(' ')} has examples and exit codes, and no default that says nothing`, async () => {
      const { code, stdout, stderr } = await hellotap(...command, '--help');
      assert.deepEqual([code, stderr], [0, '']);
      assert.match(stdout, new RegExp(`^Examples?:\\n(  .*\\n)*  \\$ .*hellotap ${command.join(' ')} ?`, 'm'));
      assert.match(stdout, /^Exit codes:\n {2}0 done/m);
      assert.doesNotMatch(stdout, /default: (\[\]|false)/);
    });
  }
});
