#!/usr/bin/env bash
# Measures the starter database anew with our own prober, from the real servers of test/lab (needs root, the packages of
# test/lab/packages.txt, and a built checkout). Writes fingerprints.csv and labels.csv.
set -eu
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
exec bash test/lab/apart.sh -- node --import tsx samples/starter/make.ts
