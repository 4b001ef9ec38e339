import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import { importFile, importStream } from '../../src/database/import.js';
import type { ImportOptions, ImportReport } from '../../src/database/import-options.js';
import type { Store } from '../../src/database/store.js';
import { HellotapError } from '../../src/errors.js';
import { freshStore } from './scratch.js';

// Made for these tests, laid out as abuse.ch publishes its lists: banner, commented or quoted header, CRLF, end mark.
// Addresses are of the documentation ranges and digests are counted up, so that no real server is accused.
const sha = (n: number): string => n.toString(16).padStart(40, '0');
const md5 = (n: number): string => n.toString(16).padStart(32, '0');
const jarm = (n: number): string => n.toString(16).padStart(62, '1');
const banner = (title: string): string[] => [
  '################################################################',
  `# ${title.padEnd(61)}#`,
  '# Last updated: 2021-10-05 07:23:10 UTC                        #',
  '#                                                              #',
  '# Terms Of Use: https://sslbl.abuse.ch/blacklist/              #',
  '# For questions, remarks, please contact sslbl [at] abuse.ch   #',
  '################################################################',
  '#',
];
const text = (...lines: readonly string[]): string => lines.map((line) => `${line}\r\n`).join('');

const CERTIFICATES = text(
  ...banner('abuse.ch SSLBL SSL Certificate Blacklist (SHA1 Fingerprints)'),
  '# Listingdate,SHA1,Listingreason',
  `2021-10-04 14:57:33,${sha(1)},AsyncRAT C&C`,
  `2021-09-30 06:12:18,${sha(2).toUpperCase()},Dridex C&C`,
  '# END (2) entries',
);
const JA3 = text(
  ...banner('abuse.ch SSLBL JA3 Fingerprint Blacklist'),
  '# ja3_md5,Firstseen,Lastseen,Listingreason',
  `${md5(1)},2017-07-14 18:08:15,2019-07-27 20:42:54,Adware`,
  `${md5(2)},2018-08-30 05:58:00,2019-07-20 03:49:10,AsyncRAT`,
);
const SSLBL_IP = text(
  ...banner('abuse.ch SSLBL Botnet C2 IP Blacklist (CSV)'),
  '# Firstseen,DstIP,DstPort',
  '2021-10-04 11:30:03,192.0.2.10,8808',
  '2021-10-04 09:40:03, 2001:db8::10 ,443',
);
const FEODO_OLD = text(
  ...banner('Feodo Tracker Botnet C2 IP Blocklist'),
  '# Firstseen,DstIP,DstPort,LastOnline,Malware',
  '2021-01-17 07:30:05,192.0.2.20,443,2021-01-18,Dridex',
  '2021-01-16 23:30:05,192.0.2.21,447,,TrickBot',
);
const FEODO = text(
  ...banner('abuse.ch Feodo Tracker Botnet C2 IP Blocklist (CSV)'),
  '"first_seen_utc","dst_ip","dst_port","c2_status","last_online","malware"',
  '"2021-01-17 07:30:05","192.0.2.20","443","offline","2021-01-17","Dridex"',
  '"2022-06-04 21:24:53","192.0.2.22","22","online","2023-12-12","QakBot"',
  '# END 2 entries',
);

async function load(store: Store, content: string | Buffer, options: ImportOptions = {}): Promise<ImportReport> {
  return await importStream(store, 'list', Readable.from([Buffer.from(content)]), options);
}

/** What is claimed, in words. */
function claims(store: Store): unknown[] {
  return store
    .prepare(
      `SELECT k.name || ':' || lower(hex(f.digest)) AS key, l.name AS label, l.kind, s.name AS source, s.class,
         date(c.first_seen, 'unixepoch') AS first, date(c.last_seen, 'unixepoch') AS last, c.count
       FROM claim c JOIN fingerprint f ON f.id = c.fingerprint_id JOIN fingerprint_kind k ON k.id = f.kind_id
       JOIN label l ON l.id = c.label_id JOIN source s ON s.id = c.source_id ORDER BY 1`,
    )
    .all()
    .map((row) => Object.values(row as Record<string, unknown>));
}

describe('block lists as abuse.ch publishes them', () => {
  it('name certificates', async () => {
    const store = freshStore();
    const report = await load(store, CERTIFICATES);
    assert.deepEqual(
      [report.table, report.rows, report.rejected, report.changed, report.unknownColumns],
      ['SSLBL certificates', 2, 0, 2, []],
    );
    assert.deepEqual(claims(store), [
      [`cert-sha1:${sha(1)}`, 'AsyncRAT', 'c2', 'blocklist:sslbl', 'blocklist', '2021-10-04', '2021-10-04', 1],
      [`cert-sha1:${sha(2)}`, 'Dridex', 'c2', 'blocklist:sslbl', 'blocklist', '2021-09-30', '2021-09-30', 1],
    ]);
  });

  it('name JA3 with first and last sighting', async () => {
    const store = freshStore();
    assert.equal((await load(store, JA3)).table, 'SSLBL JA3');
    assert.deepEqual(claims(store), [
      [`ja3:${md5(1)}`, 'Adware', 'c2', 'blocklist:sslbl-ja3', 'blocklist', '2017-07-14', '2019-07-27', 1],
      [`ja3:${md5(2)}`, 'AsyncRAT', 'c2', 'blocklist:sslbl-ja3', 'blocklist', '2018-08-30', '2019-07-20', 1],
    ]);
  });

  it('name addresses and ports, IPv6 and stray spaces among them', async () => {
    const store = freshStore();
    assert.equal((await load(store, SSLBL_IP)).table, 'SSLBL addresses');
    assert.deepEqual(
      claims(store).map((row) => (row as unknown[]).slice(0, 4)),
      [
        ['endpoint:20010db800000000000000000000001001bb', 'SSLBL C2', 'c2', 'blocklist:sslbl-ip'],
        ['endpoint:c000020a2268', 'SSLBL C2', 'c2', 'blocklist:sslbl-ip'],
      ],
    );
  });

  it('are the same list in both generations of Feodo Tracker: spans grow, counts do not', async () => {
    const store = freshStore();
    assert.equal((await load(store, FEODO_OLD)).table, 'Feodo Tracker addresses');
    const newer = await load(store, FEODO);
    assert.deepEqual([newer.table, newer.rows, newer.unknownColumns], ['Feodo Tracker addresses', 2, []]);
    assert.equal(newer.changed, 1, 'the server of both lists was known with a later day');
    const source = 'blocklist:feodotracker';
    assert.deepEqual(claims(store), [
      ['endpoint:c000021401bb', 'Dridex', 'c2', source, 'blocklist', '2021-01-17', '2021-01-18', 1],
      ['endpoint:c000021501bf', 'TrickBot', 'c2', source, 'blocklist', '2021-01-16', '2021-01-16', 1],
      ['endpoint:c00002160016', 'QakBot', 'c2', source, 'blocklist', '2022-06-04', '2023-12-12', 1],
    ]);
  });

  it('change nothing when they come twice, plain or packed, and the generation stays', async () => {
    for (const list of [CERTIFICATES, JA3, SSLBL_IP, FEODO_OLD, FEODO]) {
      const store = freshStore();
      await load(store, list);
      const before = claims(store);
      const { generation } = store;
      const again = await load(store, gzipSync(list));
      assert.equal(again.changed, 0);
      assert.deepEqual(claims(store), before);
      assert.equal(store.generation, generation);
    }
  });

  it('are read when they are empty, as Feodo Tracker is in quiet times', async () => {
    const store = freshStore();
    const report = await load(store, text(...banner('Feodo'), ...FEODO.split('\r\n').slice(8, 9), '# END 0 entries'));
    assert.deepEqual([report.table, report.rows, report.changed], ['Feodo Tracker addresses', 0, 0]);
  });

  it('take another source, and lose only their damaged rows, each with its line and reason', async () => {
    const store = freshStore();
    const damaged =
      CERTIFICATES +
      text(
        '2021-10-04 14:57:33,xyz,Dridex C&C',
        `2021-13-04,${sha(9)},Dridex C&C`,
        `"2021-10-04,${sha(9)},Dridex C&C`,
        `2021-10-04,${sha(8)},a,b`,
        '2021-10-04',
        `2021-10-04 10:00:00,${sha(3)}`,
      );
    const report = await load(store, damaged, { source: 'blocklist:mirror' });
    assert.deepEqual(report.rejects, [
      { line: 13, reason: 'a certificate SHA-1 has 40 hexadecimal digits' },
      { line: 14, reason: '"2021-13-04" is no date (YYYY-MM-DD) or time (ISO 8601)' },
      { line: 15, reason: 'quotes are broken' },
      { line: 16, reason: '4 columns where the header has 3' },
      { line: 17, reason: '1 columns where the header has 3' },
    ]);
    assert.deepEqual(
      claims(store).map((row) => [(row as unknown[])[1], (row as unknown[])[3]]),
      [
        ['AsyncRAT', 'blocklist:mirror'],
        ['Dridex', 'blocklist:mirror'],
        ['SSLBL certificate', 'blocklist:mirror'],
      ],
    );
  });

  it('refuse ports and addresses that are none', async () => {
    const store = freshStore();
    const report = await load(store, SSLBL_IP + text('2021-10-04,192.0.2.256,443', '2021-10-04,192.0.2.1,0'));
    assert.deepEqual(
      report.rejects.map(({ reason }) => reason),
      ['"192.0.2.256" is no IP address', '"0" is no port'],
    );
  });
});

describe('lists of JARMs', () => {
  it('are labels, and of C2 servers where --blocklist says so', async () => {
    const list = `jarm,label\n${jarm(1)}, Cobalt Strike\n${'0'.repeat(62)},nothing\n`;
    const plain = freshStore();
    const report = await load(plain, list);
    assert.deepEqual(report.rejects, [{ line: 3, reason: 'a JARM of zeros says only that nothing answered' }]);
    assert.deepEqual(claims(plain), [[`jarm:${jarm(1)}`, 'Cobalt Strike', 'other', '', null, null, null, 1]]);
    const block = freshStore();
    await load(block, list, { blocklist: true, seen: new Date('2021-07-01') });
    assert.deepEqual(claims(block), [
      [`jarm:${jarm(1)}`, 'Cobalt Strike', 'c2', 'blocklist', 'blocklist', '2021-07-01', '2021-07-01', 1],
    ]);
  });

  it('may have the columns of C2-JARM, spaces, missing links and all', async () => {
    const store = freshStore();
    const list =
      'C2/RED TEAM TOOL,SSL IMPLEMENTATION TESTED, JARM HASH, LINK TO TOOL\n' +
      `Mythic,python3 w/aiohttp 3,${jarm(2)},https://example.org/\n"Metasploit", "ruby 2.7" ,${jarm(3)}\n`;
    const report = await load(store, list, { blocklist: true });
    assert.deepEqual([report.rows, report.rejected, report.unknownColumns], [2, 0, []]);
    assert.deepEqual(
      claims(store).map((row) => (row as unknown[])[1]),
      ['Mythic', 'Metasploit'],
    );
  });
});

describe('what is no list', () => {
  it('is refused whole, with what was expected', async () => {
    for (const content of [
      text(...banner('a list of nothing')),
      text('# Listingdate,Reason', '2021-10-04,AsyncRAT'),
      '',
      'ip,jarm,label\n192.0.2.1,00,x\n',
      Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0a, 0, 1, 2, 0x0a]),
    ]) {
      const store = freshStore();
      await assert.rejects(
        load(store, content),
        (error) => error instanceof HellotapError && error.code === 'ERR_IMPORT',
      );
      assert.deepEqual(claims(store), []);
    }
    await assert.rejects(importFile(freshStore(), '/nonexistent/list.csv', { blocklist: true }), {
      code: 'ERR_IMPORT',
    });
  });

  it('cannot be a top list and a block list at once', async () => {
    await assert.rejects(load(freshStore(), CERTIFICATES, { blocklist: true, source: 'toplist:tranco' }), {
      code: 'ERR_USAGE',
    });
  });
});
