// The schema of the database file, version by version, and nothing else: what the tables mean stands in docs/database.md.
// Shaped for 28 million servers: what repeats (answers, names of lists and labels) is stored once and referred to by a
// small integer, and the one big table, `server`, is its own primary key.

/** `PRAGMA application_id` of our files ("htap" in ASCII), by which `file` and we tell them from other SQLite databases. */
export const APPLICATION_ID = 0x68746170;

/** Number of weeks whose sightings a `server` row tells apart; 53 bits are what a JavaScript number holds exactly. */
export const WEEK_WINDOW = 53;

/** Which servers share a fingerprint. Made anew by the first load of a table. */
export const SERVER_INDEX = 'CREATE INDEX server_by_profile ON server (profile_id)';

const VERSION_1 = `
CREATE TABLE meta (
  key   TEXT NOT NULL PRIMARY KEY,
  value ANY
) STRICT, WITHOUT ROWID;
INSERT INTO meta VALUES ('generation', 0);

-- One row per way of fingerprinting. A hello set is a kind of its own: its fingerprints compare with no other's.
CREATE TABLE fingerprint_kind (
  id               INTEGER PRIMARY KEY,
  name             TEXT NOT NULL UNIQUE,
  family           TEXT NOT NULL CHECK (family IN ('stack', 'jarm', 'ja3s', 'ja3', 'cert-sha1', 'endpoint')),
  hellos           TEXT,  -- stack: names of the Client Hellos, JSON array in the order of the combined text
  hello_set_digest TEXT   -- stack: digest of the hello set, where known
) STRICT;
INSERT INTO fingerprint_kind (id, name, family) VALUES
  (1, 'jarm', 'jarm'), (2, 'ja3s', 'ja3s'), (3, 'ja3', 'ja3'), (4, 'cert-sha1', 'cert-sha1'), (5, 'endpoint', 'endpoint');

-- digest: stack 16 bytes (fingerprint_id), jarm 31, ja3 and ja3s 16, cert-sha1 20, endpoint address and two bytes of port.
CREATE TABLE fingerprint (
  id      INTEGER PRIMARY KEY,
  kind_id INTEGER NOT NULL REFERENCES fingerprint_kind,
  digest  BLOB NOT NULL,
  text    TEXT,  -- stack: the combined text; null: known by its id alone
  UNIQUE (kind_id, digest)
) STRICT;

-- What a server answered to a hello set, before what depends on its certificate is removed; fingerprint_id is null where
-- a Client Hello had no answer.
CREATE TABLE answers (
  id             INTEGER PRIMARY KEY,
  kind_id        INTEGER NOT NULL REFERENCES fingerprint_kind,
  digest         BLOB NOT NULL,
  fingerprint_id INTEGER REFERENCES fingerprint,
  text           TEXT,  -- one text per Client Hello joined by '|'; null: the same as the fingerprint's
  UNIQUE (kind_id, digest)
) STRICT;
CREATE INDEX answers_by_fingerprint ON answers (fingerprint_id);

CREATE TABLE http_server (
  id   INTEGER PRIMARY KEY,
  text TEXT NOT NULL UNIQUE
) STRICT;

-- Where a row or a label comes from; class says on what sort of list its servers stand.
CREATE TABLE source (
  id    INTEGER PRIMARY KEY,
  name  TEXT NOT NULL UNIQUE,
  class TEXT CHECK (class IN ('toplist', 'blocklist'))
) STRICT;
INSERT INTO source (id, name) VALUES (1, '');

CREATE TABLE label (
  id   INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('software', 'cdn', 'c2', 'own', 'other')),
  UNIQUE (name, kind)
) STRICT;

-- Everything that was seen of a server but where and when.
CREATE TABLE profile (
  id             INTEGER PRIMARY KEY,
  answers_id     INTEGER REFERENCES answers,
  jarm_id        INTEGER REFERENCES fingerprint,
  http_server_id INTEGER REFERENCES http_server,
  source_id      INTEGER NOT NULL REFERENCES source,
  label_id       INTEGER REFERENCES label,
  outcome        TEXT  -- why the answers are not complete, null where they are
) STRICT;
CREATE UNIQUE INDEX profile_content ON profile
  (ifnull(answers_id, 0), ifnull(jarm_id, 0), ifnull(http_server_id, 0), source_id, ifnull(label_id, 0), ifnull(outcome, ''));
CREATE INDEX profile_by_answers ON profile (answers_id);
CREATE INDEX profile_by_jarm ON profile (jarm_id) WHERE jarm_id IS NOT NULL;
CREATE INDEX profile_by_label ON profile (label_id) WHERE label_id IS NOT NULL;

-- Where and when: times in seconds since 1970, weeks counted from Monday, 29 December 1969.
CREATE TABLE server (
  address    BLOB NOT NULL,     -- 4 or 16 bytes
  port       INTEGER NOT NULL,
  name       TEXT NOT NULL,     -- SNI in lower case, '' where none was sent
  profile_id INTEGER NOT NULL,  -- of profile; checked by "db verify" rather than on each of millions of rows
  first_seen INTEGER NOT NULL,
  last_seen  INTEGER NOT NULL,
  count      INTEGER NOT NULL,  -- in how many weeks it was seen so
  weeks      INTEGER NOT NULL,  -- bit i: seen in the i-th week before that of last_seen
  PRIMARY KEY (address, port, name, profile_id)
) STRICT, WITHOUT ROWID;
${SERVER_INDEX};

-- How many servers were seen with a profile in a week: what scores, shares and the evaluation count.
CREATE TABLE tally (
  profile_id INTEGER NOT NULL REFERENCES profile,
  week       INTEGER NOT NULL,
  servers    INTEGER NOT NULL,
  PRIMARY KEY (profile_id, week)
) STRICT, WITHOUT ROWID;

-- That a fingerprint carries a label, according to a source. count: what a table or a person said; sightings of servers
-- that were labelled so are in tally. removed: taken away by hand; an import does not bring it back.
CREATE TABLE claim (
  fingerprint_id INTEGER NOT NULL REFERENCES fingerprint,
  label_id       INTEGER NOT NULL REFERENCES label,
  source_id      INTEGER NOT NULL REFERENCES source,
  first_seen     INTEGER,
  last_seen      INTEGER,
  count          INTEGER NOT NULL,
  removed        INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (fingerprint_id, label_id, source_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX claim_by_label ON claim (label_id);
`;

const VERSION_2 = `
-- The recorded state of one's own servers: what "baseline check" holds them against.
CREATE TABLE baseline (
  id               INTEGER PRIMARY KEY,
  address          BLOB NOT NULL,
  port             INTEGER NOT NULL,
  name             TEXT NOT NULL,
  starttls         TEXT NOT NULL,  -- the protocol within which TLS begins, '': none
  hello_set        TEXT NOT NULL,
  hello_set_digest TEXT NOT NULL,
  recorded         INTEGER NOT NULL,
  probes           INTEGER NOT NULL,  -- how often the server was probed for it
  UNIQUE (address, port, name, starttls)
) STRICT;

-- Each trait with every value that was seen of it: several where more than one stack answers.
CREATE TABLE baseline_trait (
  baseline_id INTEGER NOT NULL REFERENCES baseline ON DELETE CASCADE,
  hello       TEXT NOT NULL,  -- '': of the server as a whole
  aspect      TEXT NOT NULL,
  value       TEXT NOT NULL,
  PRIMARY KEY (baseline_id, hello, aspect, value)
) STRICT, WITHOUT ROWID;
`;

/** SQL that takes a file from version n (its index) to n + 1. Never edited once released: a change is a new entry. */
export const MIGRATIONS: readonly string[] = [VERSION_1, VERSION_2];

/** `PRAGMA user_version` of a file that this program writes. */
export const SCHEMA_VERSION = MIGRATIONS.length;
