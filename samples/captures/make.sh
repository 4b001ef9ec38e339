#!/usr/bin/env bash
# Makes the captures of this folder anew: real clients visit the real servers of test/lab, tcpdump looks on. All of it in
# a network namespace of its own, so nothing else gets into them. Needs root, the packages of test/lab/packages.txt, and
# tcpdump, tshark (editcap), curl, chromium. Keys, ports and times differ from run to run; who talks to whom does not.
#   make.sh [NAME...]   all captures, or those named (without suffix)
set -eu
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
if [ "${1:-}" != --inside ]; then exec bash "$here/../../test/lab/apart.sh" -- bash "$here/make.sh" --inside "$@"; fi
shift
cd "$here"
export TMPDIR; TMPDIR=$(mktemp -d); trap 'rm -rf "$TMPDIR"' EXIT
ip link set lo mtu 1500 gso_max_segs 1          # segments as on a wire, not loopback's 64 KiB ones

address() { awk -F'\t' -v id="$1" '$1 == id { print $2 }' ../../test/lab/deployments.tsv; }
want() { local name=$1 x; shift; [ $# -eq 0 ] && return 0; for x in "$@"; do [ "$x" = "$name" ] && return 0; done; return 1; }

# record FILE INTERFACE FILTER COMMAND...: COMMAND's packets
record() {
  local file=$1 interface=$2 filter=$3; shift 3
  tcpdump --immediate-mode -Z root -U -q -i "$interface" -w "$file" "$filter" 2>"$TMPDIR/listening" &
  local tcpdump=$!
  until grep -qs "listening on" "$TMPDIR/listening"; do sleep 0.05; done
  "$@" >"$TMPDIR/said" 2>&1 || { cat "$TMPDIR/said" >&2; return 1; }
  sleep 0.5
  kill "$tcpdump"; wait "$tcpdump" || true
}
lab='net 127.0.1.0/24 and tcp port 8443'

# visit_all COMMAND NAME=DEPLOYMENT...: COMMAND NAME.lab.test ADDRESS for each
visit_all() {
  local command=$1 pair; shift
  for pair in "$@"; do "$command" "${pair%%=*}.lab.test" "$(address "${pair#*=}")"; done
}

with_curl() { curl -sk --max-time 10 --resolve "$1:8443:$2" "https://$1:8443/"; }
with_curl_tls12() { curl -sk --max-time 10 --tls-max 1.2 --resolve "$1:8443:$2" "https://$1:8443/"; }
curl_tour() { # each server once, the way a script would
  export SSLKEYLOGFILE=$TMPDIR/keys
  visit_all with_curl nginx=nginx-default nginx-h2=nginx-modern-h2 nginx-p521=nginx-p521 nginx-ed25519=nginx-ed25519 apache=apache-default \
    haproxy=haproxy-default haproxy-h2=haproxy-tls13-h2 lighttpd=lighttpd-openssl lighttpd-gnutls=lighttpd-gnutls gnutls=gnutls-serv \
    openssl=openssl-default node=node-https python=python-https go=go-default java=java-default stunnel=stunnel-default ruby=ruby-webrick
  visit_all with_curl_tls12 nginx=nginx-default nginx-tls12=nginx-tls12 apache=apache-default
}

browse() { # a page from each of four servers; Chromium opens as many connections as it likes
  export SSLKEYLOGFILE=$TMPDIR/keys
  local pair
  for pair in nginx=nginx-modern-h2 apache=apache-default go=go-default node=node-https; do
    timeout 60 chromium --headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking \
      --disable-component-update --disable-sync --disable-default-apps --ignore-certificate-errors --user-data-dir="$TMPDIR/profile" \
      --host-resolver-rules="MAP ${pair%%=*}.lab.test $(address "${pair#*=}"), MAP * ~NOTFOUND" --dump-dom "https://${pair%%=*}.lab.test:8443/"
  done
}

s_client() { # DEPLOYMENT OPTIONS...: what comes of it is the server's business, so any exit will do
  timeout 5 openssl s_client -connect "$(address "$1"):8443" -keylogfile "$TMPDIR/keys" "${@:2}" </dev/null || true
}
old_and_odd() { # versions, groups and refusals that browsers no longer show
  s_client nginx-legacy -servername legacy.lab.test -tls1 -cipher ALL:@SECLEVEL=0
  s_client openssl-tls11 -servername tls11.lab.test -tls1_1 -cipher ALL:@SECLEVEL=0
  s_client node-tls10 -noservername -tls1 -cipher ALL:@SECLEVEL=0
  s_client go-tls10 -servername go-old.lab.test -tls1_2
  s_client openssl-tls12-static-rsa -servername static-rsa.lab.test -tls1_2
  s_client openssl-camellia-aria -servername camellia.lab.test -tls1_2
  s_client openssl-groups-ffdhe -servername ffdhe.lab.test
  s_client nginx-p521 -servername nginx-p521.lab.test -groups X25519:P-521
  s_client nginx-mtls -servername mtls.lab.test -cert "$LAB_STATE/certs/rsa.crt" -key "$LAB_STATE/certs/rsa.key"
  s_client apache-mtls-optional -servername mtls-optional.lab.test
  s_client nginx-dual-cert -servername dual.lab.test -sigalgs ECDSA+SHA256
  s_client nginx-ocsp -servername ocsp.lab.test -status
  s_client nginx-reject -servername nobody.lab.test
  s_client mosquitto -servername mqtt.lab.test -sess_out "$TMPDIR/session"
  s_client mosquitto -servername mqtt.lab.test -sess_in "$TMPDIR/session"
  s_client nginx-notickets -servername notickets.lab.test -tls1_2 -sess_out "$TMPDIR/session"
  s_client nginx-notickets -servername notickets.lab.test -tls1_2 -sess_in "$TMPDIR/session"
}
no_tls() { # TLS clients at doors behind which there is none
  local id
  for id in odd-http odd-close odd-reset odd-ssh odd-alert40 closed; do s_client "$id" -servername "$id.lab.test"; done
}

python() { SSLKEYLOGFILE=$TMPDIR/keys /usr/bin/python3 clients/client.py "$@"; }
python_tour() { python nginx.lab.test "$(address nginx-default)" python.lab.test "$(address python-https)" haproxy.lab.test "$(address haproxy-default)" - "$(address apache-default)"; }
go_tour() {
  GO111MODULE=off GOCACHE=$TMPDIR/gocache GOPATH=$TMPDIR/gopath go build -o "$TMPDIR/go-client" clients/client.go
  SSLKEYLOGFILE=$TMPDIR/keys record go.pcap lo "$lab" "$TMPDIR/go-client" go.lab.test "$(address go-default)" nginx-h2.lab.test "$(address nginx-modern-h2)" \
    java.lab.test "$(address java-default)"
}
java_tour() { java clients/Client.java java.lab.test "$(address java-default)" apache.lab.test "$(address apache-default)" stunnel.lab.test "$(address stunnel-default)"; }

over_ipv6() {
  bash ipv6-relay.sh & local relay=$!
  sleep 0.5
  python nginx.lab.test fd00:1ab::1; curl -sk --resolve "nginx.lab.test:8443:[fd00:1ab::1]" https://nginx.lab.test:8443/
  kill "$relay"
}

keep_keys() { grep -v '^#' "$TMPDIR/keys" >"$1" || true; rm -f "$TMPDIR/keys"; }

if want curl "$@"; then record curl.pcap lo "$lab" curl_tour; keep_keys curl.keylog; fi
if want chromium "$@"; then # as pcapng, the key log inside
  record "$TMPDIR/chromium.pcap" lo "$lab" browse; keep_keys "$TMPDIR/chromium.keylog"
  editcap -F pcapng --inject-secrets "tls,$TMPDIR/chromium.keylog" "$TMPDIR/chromium.pcap" chromium.pcapng
fi
if want openssl "$@"; then record openssl.pcap lo "$lab" old_and_odd; keep_keys openssl.keylog; fi
if want no-tls "$@"; then record no-tls.pcap lo "$lab" no_tls; rm -f "$TMPDIR/keys"; fi
if want python "$@"; then record python.pcap lo "$lab" python_tour; keep_keys python.keylog; fi
if want go "$@"; then go_tour; keep_keys go.keylog; fi
if want java "$@"; then record java.pcap lo "$lab" java_tour; fi
if want cooked-ipv6 "$@"; then record cooked-ipv6.pcap any 'ip6 and tcp port 8443' over_ipv6; rm -f "$TMPDIR/keys"; fi
