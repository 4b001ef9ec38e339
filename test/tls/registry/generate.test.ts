import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { generateAll, generateModule, REGISTRY_FOLDER } from '../../../src/tls/registry/generate.js';
import { REGISTRY_TABLES } from '../../../src/tls/registry/tables.js';

describe('the tables of names', () => {
  for (const [file, text] of generateAll()) {
    it(`${file} is what the CSV files give`, () => {
      assert.equal(readFileSync(new URL(file, REGISTRY_FOLDER), 'utf8'), text);
    });
  }

  it('takes a file as IANA publishes it: further columns, ranges, line breaks and reserved rows', () => {
    const table = REGISTRY_TABLES.find((candidate) => candidate.module === 'cipher-suites')!;
    const csv = [
      'Value,Description,DTLS-OK,Recommended,Reference,Comment',
      '"0x00,0x1C-1D",Reserved to avoid conflicts with SSLv3,,,[RFC5246],',
      '"0x00,0x47-4F","Reserved to avoid conflicts with         \ndeployed implementations",,,[Pasi_Eronen],',
      '"0x13,0x01",TLS_AES_128_GCM_SHA256,Y,Y,[RFC8446],',
      '"0x1A,0x1A",Reserved,Y,N,[RFC8701],',
      '"0x14-19,*",Unassigned,,,,',
    ].join('\n');
    const text = generateModule(table, csv, 'Registry,Value,Description\n');
    assert.deepEqual(text.match(/^ {2}\[.*$/gm), ["  [0x1301, 'TLS_AES_128_GCM_SHA256'],"]);
  });

  it('refuses a table without the columns it needs', () => {
    const table = REGISTRY_TABLES[0]!;
    assert.throws(() => generateModule(table, 'Code,Text\n1,a\n', 'Registry,Value,Description\n'), /no column Value/);
  });
});
