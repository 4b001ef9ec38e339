#!/usr/bin/env bash
# Builds the fuzz targets with clang's libFuzzer and its sanitizers, and runs each for some time, as many at once as there are
# cores.
#
#   run.sh [--corpus FOLDER] [--captures FOLDER] [SECONDS [TARGET...]]      SECONDS: per target, default 60
#
# Corpora grow from run to run in the FOLDER of --corpus (by default one of the user's own, outside of the project), a folder
# per target. They begin with the golden captures, and with the small ones of --captures.
# What a target fails on is left there as TARGET-crash-…, and what it said as TARGET.log; run the binary, fuzz/build/TARGET,
# with that file to see it again.
# Exit 1: a target failed.
set -euo pipefail
fuzz=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

corpora=${XDG_CACHE_HOME:-$HOME/.cache}/hellotap-fuzz
captures=
while [ $# -gt 0 ]; do
  case $1 in
  --corpus) corpora=$2 && shift 2 ;;
  --captures) captures=$(realpath "$2") && shift 2 ;;
  *) break ;;
  esac
done
corpora=$(realpath -m "$corpora")
cd "$fuzz"
seconds=${1:-60}
shift || true
targets=("$@")
[ ${#targets[@]} -gt 0 ] || targets=(capture-file decode-packet fragment-joiner tcp-stream packet-core crypto teller)
# The ring is Linux's alone.
[ $# -gt 0 ] || [ "$(uname)" != Linux ] || targets+=(ring-block)
command -v clang++ >/dev/null || { echo "clang++ is missing (on Debian: apt-get install clang)" >&2; exit 1; }

core=("$fuzz"/../{capture,core,crypto,filter,flow,link,net,tell}/*.cc)
flags=(-std=c++17 -O1 -g -Wall -Wextra -Werror -fno-exceptions -fno-rtti -fno-omit-frame-pointer
  -fsanitize=address,undefined -fno-sanitize-recover=all "-I$fuzz/..")
cores=$(nproc 2>/dev/null || echo 2)

# each COMMAND…: runs it for every target, as many at once as there are cores; {} stands for the target
each() { printf '%s\n' "${targets[@]}" | xargs -P "$cores" -I{} "$@"; }

# The core is compiled once, each file to build/core/NAME.o.
rm -rf build/core
mkdir -p build/core
(cd build/core && printf '%s\n' "${core[@]}" | xargs -P "$cores" -n 4 clang++ "${flags[@]}" -fsanitize=fuzzer-no-link -c)
each clang++ "${flags[@]}" -fsanitize=fuzzer -o build/{} {}.cc build/core/*.o -ldl

for target in "${targets[@]}"; do
  corpus=$corpora/$target
  mkdir -p "$corpus"
  case $target in
  capture-file | packet-core)
    # Small ones: the fuzzer cuts and joins them itself.
    for file in ../../test/golden/*.pcap; do
      seed=$corpus/golden-$(basename "$file")
      head -c 6000 "$file" >"$seed"
      gzip -c "$seed" >"$seed.gz"
      ! command -v zstd >/dev/null || zstd -qfc --check "$seed" >"$seed.zst"
    done
    [ -z "$captures" ] || find "$captures" -name '*.pcap*' -size -12k -exec cp -n {} "$corpus/" \;
    ;;
  decode-packet)
    (cd ../.. && node --import tsx test/fuzz/native-seeds.ts "$corpus" $(ls -d ../shared/pcaps/*.pcap 2>/dev/null))
    ;;
  ring-block)
    (cd ../.. && node --import tsx test/fuzz/ring-seeds.ts "$corpus" $(ls -d ../shared/pcaps/*.pcap 2>/dev/null))
    ;;
  esac
done

run='"build/$1" -max_total_time="$2" -max_len=20000 -rss_limit_mb=1024 -timeout=10 -print_final_stats=1 \
  -artifact_prefix="$3/$1-" "$3/$1" >"$3/$1.log" 2>&1
status=$?
printf "== %s for %s seconds\n%s\n" "$1" "$2" "$(tail -n $((status == 0 ? 12 : 40)) "$3/$1.log")"
exit $status'
each bash -c "$run" run {} "$seconds" "$corpora" || exit 1
