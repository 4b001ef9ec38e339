// `hellotap db label add|remove`: labels set by hand.
import { Command, Option } from 'commander';
import { parseFingerprintKey, type FingerprintKey } from '../database/fingerprint-key.js';
import { findByPrefix } from '../database/fingerprints.js';
import { addLabel, LABEL_KINDS, removeLabel } from '../database/labels.js';
import { isSourceName, NO_SOURCE, SOURCE_RULE, sourceByName } from '../database/source.js';
import type { Store } from '../database/store.js';
import { HellotapError } from '../errors.js';
import { ExitCode, framed } from './command.js';
import { databaseOption } from './common-options.js';
import { openStore, type DatabaseOptions } from './open-store.js';
import { integer, option, withOptions } from './option.js';

interface LabelFlags extends DatabaseOptions {
  readonly kind?: string;
  readonly source?: string;
  readonly count?: number;
  readonly helloSet?: string;
}

const HELP = `
FINGERPRINT is the combined text, a fingerprint_id or its beginning (8 digits or more, one match), or a key:
jarm:…, ja3s:…, ja3:…, cert-sha1:…, endpoint:ip:port. What is removed stays away: no import brings it back, only "add".

Examples:
  $ hellotap db label add 4f1a9c0b "intranet web" --kind own
  $ hellotap db label add endpoint:192.0.2.7:443 "Feodo" --kind c2 --source blocklist:own
  $ hellotap db label remove 4f1a9c0b "intranet web"`;

export function labelCommand(): Command {
  const command = new Command('label')
    .description('sets a label on a fingerprint, or takes it away')
    .argument('<action>', 'add or remove')
    .argument('<fingerprint>', 'a fingerprint, its id, or a key')
    .argument('<name>', 'the label')
    .addHelpText('after', HELP);
  withOptions(command, [
    databaseOption(),
    new Option('--kind <kind>', 'what sort of label it is (add: other; remove: any)').choices(LABEL_KINDS),
    option('--source <name>', 'who says so'),
    option(
      '--count <n>',
      'observations that it stands for (default: 1); what is there already stays where it is more',
      integer(1, 1e12),
    ),
    option('--hello-set <name>', 'the fingerprint is of this hello set (default: atsf-2022)'),
  ]);
  return framed<LabelFlags>(command, ([action, fingerprint = '', name = ''], options, { terminal }) => {
    if (action !== 'add' && action !== 'remove') {
      throw new HellotapError('ERR_USAGE', `db label does add or remove, not "${action ?? ''}"`);
    }
    const { source = '' } = options;
    if (!isSourceName(source)) throw new HellotapError('ERR_USAGE', `--source: ${SOURCE_RULE}`);
    const store = openStore(options, action === 'add');
    try {
      const key = keyOf(store, fingerprint, options.helloSet);
      if (action === 'add') {
        addLabel(store, {
          key,
          label: { name, kind: options.kind ?? 'other' },
          source: source === '' ? NO_SOURCE : sourceByName(source),
          firstSeen: null,
          lastSeen: null,
          count: options.count ?? 1,
        });
      } else if (removeLabel(store, key, name, options.kind ?? null) === 0) {
        terminal.error(`${fingerprint}: carries no label "${name}"`);
        return Promise.resolve(ExitCode.failed);
      }
    } finally {
      store.close();
    }
    return Promise.resolve(ExitCode.done);
  });
}

const SHORTEST_PREFIX = 8;

function keyOf(store: Store, text: string, helloSet: string | undefined): FingerprintKey {
  const key = parseFingerprintKey(text, helloSet);
  if (typeof key !== 'string') return key;
  const found = text.length < SHORTEST_PREFIX ? [] : findByPrefix(store, text);
  const [only] = found;
  if (only !== undefined && found.length === 1) return only;
  throw new HellotapError('ERR_USAGE', `${text}: ${found.length > 1 ? tooMany(found.length) : noneOf(text, key)}`);
}

function tooMany(found: number): string {
  return `stands for ${found} fingerprints: give more digits`;
}

/** @param why it is no whole key */
function noneOf(text: string, why: string): string {
  if (!/^[0-9a-f]{1,31}$/i.test(text)) return why;
  return text.length < SHORTEST_PREFIX
    ? `give at least ${SHORTEST_PREFIX} digits of a fingerprint_id`
    : 'no fingerprint in the database begins so';
}
