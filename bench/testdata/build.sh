#!/bin/sh
# Builds the BPF objects of the benchmark beside their sources, for little-endian
# machines. The result depends on neither time nor place.
set -eu
cd "$(dirname "$0")"
arch=$(ls -d /usr/include/*-linux-gnu | head -1)
for src in *.c; do
	"${CLANG:-clang-22}" -target bpfel -mcpu=v3 -O2 -g -Wall -Werror -fdebug-prefix-map="$PWD=." -ffile-prefix-map="$PWD=." \
		-fdebug-compilation-dir=. -idirafter "$arch" -c "$src" -o "${src%.c}.o"
	"${STRIP:-llvm-strip-22}" -g "${src%.c}.o"
done
