#!/bin/sh
# Measures skep beside libbpf and cilium/ebpf. Needs root, gcc, libelf-dev,
# zlib1g-dev, libbpf-tools, valgrind. Arguments go to ./run (see its -help);
# files they name are relative to this folder.
set -eu
cd "$(dirname "$0")"
exec go run ./run "$@"
