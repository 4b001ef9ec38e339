#!/usr/bin/env bash
# CPU seconds of the packet core alone (no Node, no TLS) on captures, beside tcpdump's in the same run: median of five each.
#
#   run.sh CAPTURE...
set -euo pipefail
here=$(dirname "${BASH_SOURCE[0]}")/..
binary=$(mktemp)
trap 'rm -f "$binary"' EXIT
${CXX:-c++} -std=c++17 -O3 -Wall -Wextra -Werror -fno-exceptions -fno-rtti -I"$here" -o "$binary" "$here/bench/read-capture.cc" \
  "$here"/core/{batch,capture-set,input,packet-core}.cc "$here"/flow/*.cc "$here"/link/*.cc "$here"/net/*.cc "$here"/capture/pcap*-reader.cc \
  "$here"/capture/unpacker.cc -ldl

cpu() { # CPU seconds of a command
  ( TIMEFORMAT='%U %S'; { time "$@" >/dev/null 2>&1; } 2>&1 ) | awk '{ printf "%.3f\n", $1 + $2 }'
}
median() { sort -n | sed -n 3p; }

for capture in "$@"; do
  "$binary" "$capture" >/dev/null # into the page cache
  ours=$(for _ in 1 2 3 4 5; do cpu "$binary" "$capture"; done | median)
  theirs=$(for _ in 1 2 3 4 5; do cpu tcpdump -r "$capture" -w /dev/null; done | median)
  echo "$(basename "$capture"): packet core $ours s, tcpdump $theirs s, ratio $(awk "BEGIN { printf \"%.2f\", $ours / $theirs }")"
  "$binary" "$capture"
done
