#!/bin/sh
# Builds every BPF object of the tree, for both byte orders, beside its source.
# Needs clang and llvm-strip (22), libbpf-dev, linux-libc-dev; bpftool for the
# linked object. The result depends on neither time nor place: compilation runs
# in the source's folder, and debug information other than BTF is stripped.
set -eu
cd "$(dirname "$0")/.."
clang=${CLANG:-clang-22}
strip=${STRIP:-llvm-strip-22}
objcopy=${OBJCOPY:-llvm-objcopy-22}
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
	case $src in */isa4.c | */arena*.c | */core_store.c | */jumptable.c) cpu=v4 ;; esac
	base=$(basename "$src" .c)
	for order in el eb; do
		compile "$src" "$order" "$cpu" "$base.$order.o"
	done
done

# Two translation units in one object: bpftool links the machine's own byte order only.
(cd testdata && for base in linked linkmaps; do
	"$bpftool" gen object $base.el.o ${base}_a.el.o ${base}_b.el.o && rm -f ${base}_[ab].e[lb].o
done)

# A .BTF.ext whose header (struct btf_ext_header) ends before core_relo_off: 24 bytes, not 32.
for order in el eb; do
	size='\030\0\0\0'
	[ $order = el ] || size='\0\0\0\030'
	obj=testdata/btfext.$order.o
	"$objcopy" --dump-section .BTF.ext=$obj.ext $obj
	{ head -c 4 $obj.ext && printf "$size" && tail -c +9 $obj.ext | head -c 16 && tail -c +33 $obj.ext; } >$obj.new
	"$objcopy" --update-section .BTF.ext=$obj.new --remove-section .rel.BTF.ext $obj
	rm $obj.ext $obj.new
done

# The made-up kernel is BTF alone.
types() {
	(cd testdata/kernel && "$clang" -target "bpf$2" -mcpu=v3 -O2 -g -ffile-prefix-map="$PWD=." -fdebug-compilation-dir=. -c "$1.c" -o "$1.o" &&
		"$objcopy" -O binary --only-section=.BTF --set-section-flags .BTF=alloc "$1.o" "$3" && rm "$1.o")
}
types types el vmlinux.btf
types made el made.el.btf
types made eb made.eb.btf

# layouts SUFFIX ORDER [FLAG]: types alone, that printers are tested with.
layouts() {
	"$clang" -target "bpf$2" -mcpu=v3 -O2 -g -ffile-prefix-map="$PWD=." -fdebug-compilation-dir=. ${3:-} -c layouts.c -o layouts.o &&
		"${OBJCOPY:-llvm-objcopy-22}" -O binary --only-section=.BTF --set-section-flags .BTF=alloc layouts.o "layouts$1.btf" && rm layouts.o
}
(cd btf/testdata && layouts .el el && layouts .eb eb && layouts -later.el el -DLATER)

CLANG=$clang STRIP=$strip elf/testdata/build.sh
