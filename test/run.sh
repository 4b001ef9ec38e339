#!/usr/bin/env bash
# `npm test`: sets the checkout up, then runs every test, with the lab's real servers up as far as they are installed.
# `npm test -- FILE...` runs those alone. Fuzzers and benchmarks run apart (test/bench, native/fuzz).
set -u
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1
bash samples/setup.sh || exit 1

files=("$@")
[ $# -gt 0 ] || mapfile -t files < <(find test -name '*.test.ts' | sort)

# Held here once, so that each test finds them up; the last line of what lab.sh says names a server that did not start.
mapfile -t lab < <(node --import tsx test/lab/runnable.ts)
if [ ${#lab[@]} -gt 0 ]; then
  trap 'bash test/lab/lab.sh release $$' EXIT
  bash test/lab/lab.sh hold $$ "${lab[@]}" >/dev/null || exit 1
fi
# One file more at a time than there are cores: many wait for a server, a capture or a clock.
node --import tsx --test --test-reporter=spec --test-concurrency="$(($(nproc 2>/dev/null || echo 2) + 1))" "${files[@]}"
