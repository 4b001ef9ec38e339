#!/usr/bin/env bash
# Gives nginx-default an IPv6 address: a relay carries the bytes to it unchanged, since the lab itself has IPv4 alone.
# For a namespace of one's own only (test/lab/apart.sh). Runs until it is killed.
set -eu
deployments=$(dirname "${BASH_SOURCE[0]}")/../../test/lab/deployments.tsv
ip -6 address replace fd00:1ab::1/128 dev lo nodad
exec socat TCP6-LISTEN:8443,bind=[fd00:1ab::1],reuseaddr,fork "TCP:$(awk -F'\t' '$1 == "nginx-default" { print $2 ":" $3 }' "$deployments")"
