// `hellotap probe` through STARTTLS against real servers. What it finds is held against what they answer where TLS begins
// at once, against their configuration, and against what OpenSSL's client finds out.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { loadHelloSet } from '../../src/probe/hello-set-file.js';
import { Prober } from '../../src/probe/prober.js';
import type { FingerprintEvent } from '../../src/output/event.js';
import { OwnServer, ownServerSkipReason } from '../lab/own-server.js';
import { SERVER_NAME, STARTTLS_SERVERS, type StartTlsService } from '../lab/starttls-servers.js';
import { hellotap, root } from './hellotap.js';

type Found = FingerprintEvent['hellotap'];

/** What a server, or the one that started it, says where something ended that should not have. (A "fatal alert" is ours.) */
const CRASHES = /\b(?:panic|fatal:|assertion|segmentation fault|segfault|core dumped|traceback|by signal|with signal)/i;

/** Probes both ports; gives what was found through STARTTLS, and where TLS begins at once. */
async function probeBoth(address: string, service: StartTlsService, name: string): Promise<readonly [Found, Found]> {
  const { protocol, port, directPort } = service;
  const targets = [`${protocol}://${address}:${port}${name}`, `${address}:${directPort}${name}`];
  const options = ['--jarm', '--no-store', '--format', 'jsonl', '--per-server-rate', '0'];
  const { code, stdout, stderr } = await hellotap('probe', ...targets, ...options);
  assert.equal(code, 0, stderr);
  const events = stdout
    .trim()
    .split('\n')
    .map((line) => (JSON.parse(line) as FingerprintEvent).hellotap);
  assert.equal(events.length, 2);
  const [behind, direct] = [port, directPort].map((wanted) => events.find((event) => event.port === wanted));
  assert.ok(behind && direct);
  assert.equal(behind.starttls, protocol);
  return [behind, direct];
}

const VERSIONS: Readonly<Record<string, string>> = { 769: '1.0', 770: '1.1', 771: '1.2' };

/** TLS versions of the answers that chose one. */
function versionsIn({ hellos }: Found): readonly string[] {
  const answers = Object.values(hellos).filter((text) => text !== null && !text.startsWith('_'));
  const versions = answers.map((text) => (text?.includes('43.AwQ') ? '1.3' : VERSIONS[text?.split('_')[0] ?? '']));
  return [...new Set(versions.map((version) => version ?? 'unknown'))].sort();
}

/** The certificate that OpenSSL's client is shown with that version of TLS; null: no handshake. */
function shownToOpenssl(address: string, { protocol, port }: StartTlsService, version: string): Promise<string | null> {
  const begin = ['-starttls', protocol, ...(protocol === 'xmpp' ? ['-xmpphost', SERVER_NAME] : [])];
  const args = ['s_client', '-connect', `${address}:${port}`, ...begin, `-tls${version.replace('.', '_')}`];
  return new Promise((resolve) => {
    const child = execFile('openssl', args, { timeout: 10_000 }, (_error, stdout) => {
      const [pem] = /-----BEGIN CERTIFICATE-----[^]*?-----END CERTIFICATE-----/.exec(stdout) ?? [];
      resolve(pem === undefined ? null : new X509Certificate(pem).fingerprint);
    });
    child.stdin?.end();
  });
}

for (const setup of STARTTLS_SERVERS) {
  describe(`STARTTLS of ${setup.name}`, { skip: ownServerSkipReason(setup), timeout: 120_000 }, () => {
    let server: OwnServer;
    let address = '';
    let certificate = '';
    before(async () => {
      server = await OwnServer.start(setup);
      ({ address } = server.place);
      certificate = new X509Certificate(readFileSync(server.place.certificate)).fingerprint;
    });
    after(() => server.stop());

    for (const service of setup.services) {
      const { protocol, port } = service;

      it(`${protocol} answers the ten hellos, and JARM's, as where TLS begins at once`, async () => {
        const isAlike = setup.acknowledgesAlike !== false;
        const name = isAlike ? `,${SERVER_NAME}` : '';
        const [behind, direct] = await probeBoth(address, service, name);
        assert.deepEqual(behind.hellos, direct.hellos);
        assert.deepEqual(behind.outcome, direct.outcome);
        // JARM always sends a server name.
        const jarmOf = ({ jarm_raw }: Found) => (isAlike ? jarm_raw : jarm_raw?.replaceAll('-0000', ''));
        assert.match(jarmOf(behind) ?? '', /[1-9]/);
        assert.equal(jarmOf(behind), jarmOf(direct));
        assert.ok(Object.values(behind.outcome).includes('ok'));
        assert.deepEqual(versionsIn(behind), setup.versions);
      });

      it(`${protocol} shows the certificate that is configured, and speaks TLS in no other way`, async () => {
        const helloSet = loadHelloSet(join(root, 'samples/hello-sets/ordinary'));
        const prober = new Prober({ helloSet, rate: 0, perServerRate: 0 });
        const result = await prober.probe({ address, port, serverName: SERVER_NAME, startTls: protocol });
        const unasked = await prober.probe({ address, port, serverName: SERVER_NAME });
        await prober.stop();
        assert.equal(unasked?.fingerprint, null);
        assert.equal(result?.outcome['ordinary'], 'ok');
        assert.equal(result.details['ordinary']?.certificateSha1, certificate.replaceAll(':', '').toLowerCase());
      });
    }

    it('is as well afterwards as before', async () => {
      for (const service of setup.services) {
        for (const version of ['1.2', '1.3']) {
          const expected = setup.versions.includes(version) ? certificate : null;
          assert.equal(
            await shownToOpenssl(address, service, version),
            expected,
            `${service.protocol}, TLS ${version}`,
          );
        }
      }
      assert.ok(server.lives, server.log);
      assert.doesNotMatch(server.log, CRASHES);
    });
  });
}
