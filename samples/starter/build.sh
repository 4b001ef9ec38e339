#!/usr/bin/env bash
# Imports the tables of this folder into a database of its own, never the user's, and prints its path.
# Kept until the tables or the program change.
set -eu
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
database=node_modules/.cache/hellotap/starter-$(cat samples/starter/*.csv .hellotap-setup | sha256sum | cut -c1-12).db
if [ ! -e "$database" ]; then
  rm -rf "${database%/*}"; mkdir -p "${database%/*}"
  seen=$(awk -F, 'NR == 2 { print $(NF - 1) }' samples/starter/labels.csv)
  for table in fingerprints labels; do
    node dist/cli/main.js db import "samples/starter/$table.csv" --source starter --seen "$seen" --database "$database.new" --quiet >/dev/null
  done
  mv "$database.new" "$database"
fi
echo "$database"
