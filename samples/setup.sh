#!/usr/bin/env bash
# Gets a checkout ready to run: compiler, packages, packet core, TypeScript. `npm start` and `npm test` begin with it.
# What has not changed since it last went well is not done again. Progress goes to standard error; what a step's tools
# say is shown only where it fails.
set -u
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1
stamps=.hellotap-setup # a line per step: its name and the digest of what it was made from

say() { printf '%s\n' "$*" >&2; }
die() { say "set-up: $*"; exit 1; }

# attempt WHAT COMMAND…: runs a step; its output is lost unless it fails
attempt() {
  local what=$1 begun=$SECONDS log status=0; shift
  log=$(mktemp)
  say "set-up: $what …"
  "$@" >"$log" 2>&1 </dev/null || status=$?
  if [ $status -eq 0 ]; then say "set-up: … done in $((SECONDS - begun)) s"; else tail -n 60 "$log" >&2; fi
  rm -f "$log"
  return $status
}

digest() { sha256sum | cut -c1-16; }
contents() { find "$@" -name build -prune -o -type f -print0 | sort -z | xargs -0 sha256sum; }
fresh() { [ -f $stamps ] && grep -qxF "$1 $2" $stamps; }
stamp() {
  { [ ! -f $stamps ] || grep -v "^$1 " $stamps; printf '%s %s\n' "$1" "$2"; } >$stamps.new
  mv $stamps.new $stamps
}

check_node() {
  local get='get Node.js 20.19 or later, for example from https://nodejs.org/en/download'
  command -v node >/dev/null || die "no node found; $get"
  node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)' ||
    die "$(command -v node) is $(node --version), which is too old; $get"
}

has_pcap_headers() { echo '#include <pcap/pcap.h>' | c++ -E -x c++ - >/dev/null 2>&1; }
may_install() { [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; }
apt_install() { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@"; }
how_to_install() {
  if command -v apt-get >/dev/null; then echo "sudo apt-get install -y $*"; else echo "install what Debian calls $*"; fi
}

# node-gyp needs compiler, make and Python; libpcap is for live capture alone, so it may be missing.
check_tools() {
  local missing=()
  command -v c++ >/dev/null || missing+=(g++)
  command -v make >/dev/null || missing+=(make)
  command -v python3 >/dev/null || missing+=(python3)
  if [ ${#missing[@]} -gt 0 ]; then
    missing+=(libpcap-dev)
    may_install || die "tools are missing; run this, then try again:  $(how_to_install "${missing[@]}")"
    attempt "installing ${missing[*]} with apt-get" apt_install "${missing[@]}" || die 'apt-get failed (see above)'
  elif ! has_pcap_headers; then
    { may_install && attempt 'installing libpcap-dev with apt-get' apt_install libpcap-dev; } ||
      say "set-up: without libpcap everything but live capture works; to have that, too:  $(how_to_install libpcap-dev)"
  fi
}

check_node
check_tools
abi=$(node -p '[process.versions.modules, process.platform, process.arch].join()')
packages=$({ cat package-lock.json .npmrc; echo "$abi"; has_pcap_headers && echo pcap; } | digest)
core=$({ contents native; echo "$packages"; } | digest)
scripts=$({ contents src; cat tsconfig.json bundle.cjs; echo "$packages"; } | digest)
export JOBS=${JOBS:-max}

if ! fresh packages "$packages" || [ ! -e node_modules/.package-lock.json ]; then
  . samples/node-headers.sh
  attempt 'npm ci (SQLite is compiled where no ready-made binding can be fetched: a minute or two)' npm ci --include=dev ||
    die 'npm ci failed (see above)'
  stamp packages "$packages"
  stamp core "$core" # npm ci runs this package's own install script, which builds the packet core
fi
if ! fresh core "$core" || ! ls native/build/Release/*.node >/dev/null 2>&1; then
  . samples/node-headers.sh
  attempt 'building the packet core' npm run install || die 'the packet core does not build (see above)'
  stamp core "$core"
fi
if ! fresh scripts "$scripts" || [ ! -e dist/cli/main.js ]; then
  attempt 'compiling TypeScript' npm run build || die 'TypeScript does not compile (see above)'
  stamp scripts "$scripts"
fi
