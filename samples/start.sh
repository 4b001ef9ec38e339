#!/usr/bin/env bash
# `npm start`: sets the checkout up, then does the main job once, on the captures that come with it.
set -eu
cd "$(dirname "$0")/.."
bash samples/setup.sh
database=$(bash samples/starter/build.sh)
echo "hellotap triage samples/captures --database ${database##*/}   (real captures of our own; the labels come from samples/starter)"
echo
node dist/cli/main.js triage samples/captures --format table --database "$database"
cat <<'X'

Next:  node dist/cli/main.js triage YOUR.pcap         the same for a capture of yours
       node dist/cli/main.js probe HOST[:PORT]        fingerprint a server (ten connections)
       node dist/cli/main.js --help                   everything else; `npm test` runs the tests
X
