#!/bin/sh
# Builds this folder's objects; see ../../testdata/build.sh.
set -eu
cd "$(dirname "$0")"
clang=${CLANG:-clang-22}
strip=${STRIP:-llvm-strip-22}
arch=$(ls -d /usr/include/*-linux-gnu | head -1)
for order in el eb; do
	flags="-target bpf$order -O2 -Wall -idirafter $arch -ffile-prefix-map=$PWD=. -fdebug-compilation-dir=."
	"$clang" $flags -g -mcpu=v3 -c forms.c -o forms.$order.o
	"$clang" $flags -mcpu=v2 -c nobtf.c -o nobtf.$order.o
	"$clang" $flags -g -mcpu=v4 -mllvm -bpf-min-jump-table-entries=4 -c jumps.c -o jumps.$order.o
	"$strip" -g forms.$order.o
	"$strip" -g jumps.$order.o
done
