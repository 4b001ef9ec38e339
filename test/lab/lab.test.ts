import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { deployments, labSkipReason } from './lab.js';

/** The same deployments one network further on, so that a lab that is up already stays out of this. */
const elsewhere = (text: string): string => text.replaceAll('127.0.1.', '127.77.1.');

function answers(id: string): Promise<boolean> {
  const { address, port } = deployments.find((candidate) => candidate.id === id)!;
  return new Promise((resolve) => {
    const socket = connect(port, elsewhere(address));
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => {
      resolve(false);
    });
  });
}

const ids = ['odd-close', 'odd-silent', 'closed'];

describe('the lab', { skip: labSkipReason(ids) }, () => {
  const directory = mkdtempSync(join(tmpdir(), 'lab-test-'));
  writeFileSync(
    join(directory, 'deployments.tsv'),
    elsewhere(readFileSync(join(import.meta.dirname, 'deployments.tsv'), 'utf8')),
  );
  const lab = (...args: string[]): string =>
    execFileSync('bash', [join(import.meta.dirname, 'lab.sh'), ...args], {
      env: { ...process.env, LAB_STATE: join(directory, 'state'), LAB_DEPLOYMENTS: join(directory, 'deployments.tsv') },
      encoding: 'utf8',
    });
  after(() => {
    lab('down');
    rmSync(directory, { recursive: true });
  });

  it('stops a server when the last of its holders lets go', async () => {
    lab('hold', `${process.pid}.a`, 'odd-close', 'odd-silent', 'closed');
    lab('hold', `${process.pid}.b`, 'odd-close');
    assert.deepEqual(await Promise.all(ids.map(answers)), [true, true, false]);
    lab('release', `${process.pid}.a`);
    assert.deepEqual(await Promise.all(ids.map(answers)), [true, false, false]);
    lab('release', `${process.pid}.b`);
    assert.deepEqual(await Promise.all(ids.map(answers)), [false, false, false]);
  });

  it('forgets a holder that died without letting go', async () => {
    const holder = spawn('sleep', ['60']);
    lab('hold', String(holder.pid), 'odd-close');
    holder.kill('SIGKILL');
    await new Promise((resolve) => holder.once('exit', resolve));
    lab('release', `${process.pid}.c`);
    assert.equal(await answers('odd-close'), false);
  });

  it('neither starts again nor stops a server that somebody else started', async () => {
    lab('up', 'odd-silent');
    lab('hold', `${process.pid}.d`, 'odd-silent');
    const before = readFileSync(join(directory, 'state/run/odd-silent/pid'), 'utf8');
    lab('release', `${process.pid}.d`);
    assert.equal(await answers('odd-silent'), true);
    assert.equal(readFileSync(join(directory, 'state/run/odd-silent/pid'), 'utf8'), before);
  });
});
