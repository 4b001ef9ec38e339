#!/usr/bin/env bash
# apart.sh [ID...] -- COMMAND...: runs the command beside the lab (or the named deployments) in a network namespace of
# its own: the same addresses, and on its loopback interface nobody else's packets. As root, or where the kernel lets
# users make namespaces. Exits as the command does; 125 where no namespace can be made or a server does not start.
# Its processes are in a namespace, too, so that none outlives it.
set -u
if [ "${1:-}" != --inside ]; then
  apart=(unshare --net --pid --fork --kill-child --mount-proc)
  [ "$(id -u)" = 0 ] || apart+=(--map-root-user)
  "${apart[@]}" true 2>/dev/null || { echo 'no right to make a network namespace' >&2; exit 125; }
  LAB_STATE=${LAB_STATE:-$(mktemp -d "${TMPDIR:-/tmp}/lab-apart-XXXXXX")} "${apart[@]}" bash "$0" --inside "$@"
  exit
fi
shift
ids=()
while [ $# -gt 0 ] && [ "$1" != -- ]; do ids+=("$1"); shift; done
shift
case $LAB_STATE in */lab-apart-*) trap 'rm -rf "$LAB_STATE"' EXIT ;; esac
export LAB_STATE
ip link set lo up || exit 125
bash "$(dirname "${BASH_SOURCE[0]}")/lab.sh" up ${ids[@]+"${ids[@]}"} >/dev/null || exit 125
"$@"
