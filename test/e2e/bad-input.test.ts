import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { sqlite } from '../../src/database/sqlite.js';
import { CAPTURE_WAYS } from '../../src/capture/live-options.js';
import { openHelloSet } from '../../src/cli/hello-sets.js';
import { hellotap, liveCaptureSkipReason, outcome, program, root, start, type Outcome } from './hellotap.js';

const directory = mkdtempSync(join(tmpdir(), 'hellotap-bad-'));
chmodSync(directory, 0o755);
after(() => {
  rmSync(directory, { recursive: true });
});
const file = (name: string, content: string | Uint8Array = ''): string => {
  writeFileSync(join(directory, name), content);
  return join(directory, name);
};
const capture = join(root, 'samples/captures/curl.pcap');
const database = join(directory, 'test.db');
const triage = (...args: string[]): Promise<Outcome> =>
  hellotap('triage', '--format', 'jsonl', '--database', database, ...args);

/** One line on standard error that names what it is about, nothing on standard output. */
function assertRefused({ code, stdout, stderr }: Outcome, expected: number, about: RegExp): void {
  assert.equal(code, expected, stderr);
  assert.match(stderr, about);
  assert.equal(stderr.trimEnd().split('\n').length, 1, stderr);
  assert.doesNotMatch(stderr, /^\s+at /m, 'no stack trace');
  assert.equal(stdout, '');
}

const eventTypes = (stdout: string): string[] =>
  stdout
    .trim()
    .split('\n')
    .map((line) => (JSON.parse(line) as { event_type: string }).event_type);

describe('what is read is not written over by', () => {
  const refused = async (about: RegExp, kept: string, args: readonly string[]): Promise<void> => {
    const before = readFileSync(kept);
    assertRefused(await hellotap(...args), 2, about);
    assert.deepEqual(readFileSync(kept), before);
  };

  it('triage: a capture, named or in a folder', async () => {
    mkdirSync(join(directory, 'evidence'));
    const evidence = join(directory, 'evidence/curl.pcap');
    copyFileSync(capture, evidence);
    for (const input of [evidence, join(directory, 'evidence')]) {
      await refused(/curl\.pcap/, evidence, ['triage', input, '--database', database, '--output', evidence]);
    }
  });

  it('db export: the database', async () => {
    const labels = file('labels.csv', 'fingerprint,label,kind\nendpoint:192.0.2.1:443,printer,own\n');
    const store = join(directory, 'own.db');
    assert.equal((await hellotap('db', 'import', labels, '--database', store)).code, 0);
    await refused(/own\.db/, store, ['db', 'export', 'labels', '--database', store, '--output', store]);
  });

  it('evaluate: observations, by a chart', async () => {
    const rows = file('week.csv', 'week,ip,port,server_name,fingerprint,source,label\n1,192.0.2.1,443,,a,toplist,\n');
    await refused(/week\.csv/, rows, ['evaluate', 'cdn', rows, '--chart', rows]);
  });

  it("probe: a list of targets, by goscanner's files of the same name", async () => {
    mkdirSync(join(directory, 'scan'));
    const list = file('scan/hosts.csv', '127.0.0.1:1\n');
    const args = ['probe', '-i', list, '--format', 'goscanner', '--output', join(directory, 'scan'), '--no-store'];
    await refused(/hosts\.csv/, list, args);
  });
});

describe('probe says', () => {
  const probe = (...args: string[]): Promise<Outcome> => hellotap('probe', '--no-store', '--format', 'jsonl', ...args);

  it('that a list holds no target', async () => {
    const list = file('comments.txt', '# none yet\n\n');
    assertRefused(await probe('-i', list), 1, /no target in .*comments\.txt/);
    assertRefused(await hellotap('baseline', 'record', '-i', list, '--database', database), 1, /no target/);
  });

  it('that servers are excluded, not that they are out of reach', async () => {
    const { code, stderr } = await probe('127.0.0.1:1', '--exclude', file('exclude.txt', '127.0.0.0/8\n'));
    assert.equal(code, 3);
    assert.match(stderr, /1 of 1 servers were left alone: they are excluded/);
    assert.doesNotMatch(stderr, /could not be reached/);
  });

  it('what came of each Client Hello in the order of the hello set', async () => {
    const names = openHelloSet('atsf-2022').hellos.map(({ name }) => name);
    const { stdout } = await probe('127.0.0.1:1');
    const { hellotap } = JSON.parse(stdout) as { hellotap: Record<'hellos' | 'outcome', object> };
    assert.deepEqual([Object.keys(hellotap.hellos), Object.keys(hellotap.outcome)], [names, names]);
  });

  it('that a source address is not one of this machine', async () => {
    for (const address of ['192.0.2.123', '2001:db8::123']) {
      const about = /--source-address .*: address not available; hellotap interfaces/;
      assertRefused(await probe('127.0.0.1:1', '--source-address', address), 2, about);
    }
  });
});

describe('results of an earlier run stay where', () => {
  for (const [what, code, args] of [
    ['a filter is wrong', 2, ['triage', capture, '--filter', 'port nowhere']],
    ['an exclusion list is missing', 2, ['probe', '127.0.0.1:1', '--exclude', join(directory, 'no-list')]],
    ['the database is none', 1, ['triage', capture, '--database', capture]],
  ] as const) {
    it(what, async () => {
      const output = file('earlier.jsonl', 'earlier\n');
      const named = args.includes('--database') ? [] : ['--database', database];
      assert.equal((await hellotap(...args, ...named, '--output', output)).code, code);
      assert.equal(readFileSync(output, 'utf8'), 'earlier\n');
    });
  }

  it('but not where a run has ended without any', async () => {
    const output = file('earlier.jsonl', 'earlier\n');
    const empty = file('header.csv', 'week,ip,port,server_name,fingerprint,source,label\n');
    const store = join(directory, 'empty.db');
    assert.equal((await hellotap('db', 'import', empty, '--database', store)).code, 0);
    assert.equal((await hellotap('baseline', 'list', '--database', store, '--output', output)).code, 0);
    assert.equal(readFileSync(output, 'utf8'), '');
  });
});

describe('before anything is probed or made,', () => {
  it('probe and baseline say which list of targets cannot be read', async () => {
    const good = file('good.txt', '127.0.0.1:1\n');
    for (const command of [['probe'], ['baseline', 'record']]) {
      for (const [bad, reason] of [
        [join(directory, 'no-list.txt'), /no-list\.txt: cannot be read: no such file/],
        [directory, /cannot be read: is a folder/],
      ] as const) {
        const store = join(directory, 'lists.db');
        assertRefused(await hellotap(...command, '-i', good, '-i', bad, '--database', store), 2, reason);
        assert.equal(existsSync(store), false);
      }
    }
  });

  it('explain says that there is no database to look an id up in', async () => {
    const store = join(directory, 'ids.db');
    assertRefused(await hellotap('explain', '0393685364082591', '--database', store), 1, /no such database/);
    assert.equal(existsSync(store), false);
  });
});

describe('triage says what is wrong with', () => {
  it('a file that is not there', async () => {
    assertRefused(await triage(join(directory, 'none.pcap')), 1, /none\.pcap/);
  });

  it('a folder without captures', async () => {
    mkdirSync(join(directory, 'empty'));
    assertRefused(await triage(join(directory, 'empty')), 1, /empty/);
  });

  it(
    'a subfolder that may not be read: the others are reported, exit code 3',
    { skip: rightsSkipReason() },
    async () => {
      const folder = join(directory, 'mixed');
      mkdirSync(join(folder, 'locked'), { recursive: true });
      copyFileSync(capture, join(folder, 'curl.pcap'));
      copyFileSync(capture, join(folder, 'locked/curl.pcap'));
      chmodSync(join(folder, 'locked'), 0);
      const own = join(directory, 'nobody');
      mkdirSync(own);
      chmodSync(own, 0o777);
      const args = ['triage', folder, '--format', 'jsonl', '--database', join(own, 'db')];
      const { code, stdout, stderr } = await asNobody(...args);
      chmodSync(join(folder, 'locked'), 0o755);
      assert.equal(code, 3, stderr);
      assert.match(stderr, /cannot read folder .*locked: permission denied/);
      assert.ok(eventTypes(stdout).includes('tls'));
    },
  );

  it('an empty file', async () => {
    assertRefused(await triage(file('empty.pcap')), 1, /empty\.pcap/);
  });

  it('a text file', async () => {
    assertRefused(await triage(file('notes.pcap', 'These are notes.\n'.repeat(99))), 1, /notes\.pcap/);
  });

  it('an empty standard input', async () => {
    assertRefused(await triage('-'), 1, /standard input/);
  });

  it('a capture cut in the middle of a record: everything before is reported, exit code 3', async () => {
    const cut = join(directory, 'cut.pcap');
    copyFileSync(capture, cut);
    truncateSync(cut, readFileSync(capture).length - 5);
    const whole = eventTypes((await triage(capture)).stdout).filter((type) => type === 'tls');
    const { code, stdout, stderr } = await triage(cut);
    assert.equal(code, 3, stderr);
    assert.deepEqual(
      eventTypes(stdout).filter((type) => type === 'tls'),
      whole,
    );
    assert.ok(eventTypes(stdout).includes('anomaly'));
    assert.match(stderr, /cut\.pcap/);
  });

  it('one bad file among good ones: the good are reported, exit code 3', async () => {
    const { code, stdout, stderr } = await triage(capture, join(directory, 'none.pcap'));
    assert.equal(code, 3, stderr);
    assert.ok(eventTypes(stdout).includes('tls'));
    assert.match(stderr, /none\.pcap/);
  });

  it('a database that is not one', async () => {
    const other = file('not.db', 'This is not a database. '.repeat(100));
    assertRefused(await hellotap('triage', capture, '--format', 'jsonl', '--database', other), 1, /not\.db/);
    assert.match(readFileSync(other, 'utf8'), /^This is not/, 'it is left as it was');
  });

  it('a database of a newer version', async () => {
    const newer = join(directory, 'newer.db');
    assert.equal((await hellotap('triage', capture, '--format', 'jsonl', '--database', newer)).code, 0);
    const written = new (sqlite())(newer);
    written.pragma('user_version = 9999');
    written.close();
    assertRefused(await hellotap('triage', capture, '--format', 'jsonl', '--database', newer), 1, /newer/);
  });

  it('an option that does not exist', async () => {
    const { code, stdout } = await triage('--no-such-option', capture);
    assert.equal(code, 2);
    assert.equal(stdout, '');
  });
});

describe('probe', () => {
  it('refuses a target that does not parse with exit code 2', async () => {
    for (const target of ['192.0.2.300:443:1', '[::1', 'host:99999', '']) {
      const { code, stdout, stderr } = await hellotap('probe', target, '--database', database);
      assert.equal(code, 2, `${target}: ${stderr}`);
      assert.equal(stdout, '');
      assert.doesNotMatch(stderr, /^\s+at /m);
    }
  });
});

for (const way of CAPTURE_WAYS) {
  describe(`watch --capture ${way} says what is wrong with`, { skip: liveCaptureSkipReason(way) }, () => {
    it('an interface that does not exist', async () => {
      assertRefused(await hellotap('watch', 'nosuch0', '--capture', way, '--database', database), 1, /nosuch0/);
    });

    it('missing rights to capture', { skip: rightsSkipReason() }, async () => {
      assertRefused(await asNobody('watch', 'lo', '--capture', way, '--no-probe'), 1, /CAP_NET_RAW|root|rights|permi/i);
    });
  });
}

describe('watch any', { skip: liveCaptureSkipReason('ring') || rightsSkipReason() }, () => {
  it('says that the ring watches one interface, and what watches all', async () => {
    const { code, stderr } = await hellotap('watch', 'any', '--no-probe', '--capture', 'ring', '--database', database);
    assert.equal(code, 1);
    assert.match(stderr, /one interface.*--capture cap/);
    assert.doesNotMatch(stderr, /there is no interface/);
  });
});

describe('watch --user', { skip: liveCaptureSkipReason('ring') }, () => {
  const asRoot = { skip: process.getuid?.() === 0 ? false : 'needs root' };

  it('needs a user that exists', asRoot, async () => {
    assertRefused(await hellotap('watch', 'lo', '--no-probe', '--user', 'no-such-user'), 2, /no such user/);
  });

  it('does not take root for one', asRoot, async () => {
    assertRefused(await hellotap('watch', 'lo', '--no-probe', '--user', 'root'), 2, /that is root/);
  });
});

function asNobody(...args: string[]): Promise<Outcome> {
  if (process.getuid?.() !== 0) return hellotap(...args);
  return outcome(
    spawn('setpriv', ['--reuid=65534', '--regid=65534', '--clear-groups', process.execPath, program, ...args]),
  );
}

function rightsSkipReason(): string | false {
  if (process.getuid?.() !== 0) return false;
  try {
    // The checkout may lie where nobody else can read.
    execFileSync('setpriv', ['--reuid=65534', '--regid=65534', '--clear-groups', 'test', '-r', program], {
      stdio: 'ignore',
    });
    return false;
  } catch {
    return 'needs a checkout that an unprivileged user can read';
  }
}

describe('a standard output that closes early', () => {
  it('ends the program quietly', async () => {
    const child = start(['triage', capture, capture, '--format', 'jsonl', '--database', database]);
    child.stdout.once('data', () => child.stdout.destroy());
    const { code, stderr } = await outcome(child);
    assert.ok(code === 0 || code === 1, `exit code ${code}`);
    assert.doesNotMatch(stderr, /^\s+at /m);
    assert.ok(stderr.split('\n').length <= 2, stderr);
  });
});
