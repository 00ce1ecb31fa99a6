#!/bin/sh
# Builds every BPF object of the tree, for both byte orders, beside its source.
# Needs clang and llvm-strip (22), libbpf-dev, linux-libc-dev; bpftool for the
# linked object. The result depends on neither time nor place: compilation runs
# in the source's folder, and debug information other than BTF is stripped.
set -eu
cd "$(dirname "$0")/.."
clang=${CLANG:-clang-22}
strip=${STRIP:-llvm-strip-22}
bpftool=${BPFTOOL:-$(command -v bpftool || echo /usr/sbin/bpftool)}
# asm/types.h lives in the machine's own folder; no fact of it ends up in an object.
arch=$(ls -d /usr/include/*-linux-gnu | head -1)

# compile SOURCE ORDER CPU OUTPUT
compile() {
	dir=$(dirname "$1")
	(cd "$dir" && "$clang" -target "bpf$2" -mcpu="$3" -O2 -g -Wall -Werror \
		-Wno-missing-declarations -Wno-unused-function -fdebug-prefix-map="$PWD=." -ffile-prefix-map="$PWD=." \
		-fdebug-compilation-dir=. -idirafter "$arch" -D__TARGET_ARCH_x86 -c "$(basename "$1")" -o "$4" && "$strip" -g "$4")
}

for src in testdata/*.c examples/*/*.bpf.c; do
	cpu=v3
	case $src in */isa4.c | */arena.c | */jumptable.c) cpu=v4 ;; esac
	base=$(basename "$src" .c)
	for order in el eb; do
		compile "$src" "$order" "$cpu" "$base.$order.o"
	done
done

# Two translation units in one object: bpftool links the machine's own byte order only.
(cd testdata && "$bpftool" gen object linked.el.o linked_a.el.o linked_b.el.o && rm -f linked_[ab].e[lb].o)

# The made-up kernel is BTF alone.
(cd testdata/kernel && "$clang" -target bpfel -mcpu=v3 -O2 -g -ffile-prefix-map="$PWD=." -fdebug-compilation-dir=. -c types.c -o types.o &&
	"${OBJCOPY:-llvm-objcopy-22}" -O binary --only-section=.BTF --set-section-flags .BTF=alloc types.o vmlinux.btf && rm types.o)

CLANG=$clang STRIP=$strip elf/testdata/build.sh
