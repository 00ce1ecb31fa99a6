#!/bin/sh
# Measures skep beside libbpf and cilium/ebpf. Needs root, gcc, libelf-dev,
# zlib1g-dev, libbpf-tools. Arguments go to ./run (see its -help).
set -eu
cd "$(dirname "$0")"
exec go run ./run "$@"
