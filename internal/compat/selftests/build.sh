#!/bin/sh
# build.sh OUTDIR: compiles the kernel's own BPF tests, tools/testing/selftests/bpf
# of Debian's newest linux-source package, into
#
#   OUTDIR/v3, OUTDIR/v4   progs/*.c for two versions of the instruction set
#   OUTDIR/linked          objects that the selftests link of several, and libarena
#   OUTDIR/oracle          libbpf of the same source (../oracle), static
#   OUTDIR/failed          what does not compile, with the first error
#
# as the selftests' Makefile does (BPF_CFLAGS, CLANG_BPF_BUILD_RULE), without what
# only their user space needs. What is there is not compiled again, unless
# the source, the compiler, vmlinux.h or this script are others.
#
#   LIBBPF_SRC=DIR    a kernel source tree to use as it stands (see ../source.sh)
#   VMLINUX=FILE      kernel BTF for vmlinux.h: an ELF vmlinux or raw BTF. The tests want
#                     that of their own release; default: of the newest kernel that
#                     internal/cmd/vmtest has fetched, else of the running one
#   CPUS="v3 v4"      versions of the instruction set
#   JOBS=N            compilers at a time (number of CPUs)
#   CLANG=clang-22    LLVM_STRIP=llvm-strip-22
set -eu
out=${1:?usage: build.sh OUTDIR}
here=$(cd "$(dirname "$0")" && pwd)
cache=${SKEP_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/skep}
clang=${CLANG:-clang-22}
mkdir -p "$out"
out=$(cd "$out" && pwd)
log() { echo "selftests: $*" >&2; }

src=$("$here/../source.sh" tools/testing/selftests/bpf/progs)
tests=$src/tools/testing/selftests/bpf
if [ -z "${VMLINUX:-}" ]; then
	arch=$(dpkg --print-architecture)
	VMLINUX=$(ls "$cache"/vmtest*/"$arch"/*/image 2>/dev/null | sort -V | tail -1)
	VMLINUX=${VMLINUX:-/sys/kernel/btf/vmlinux}
fi
case $(uname -m) in
x86_64) target=x86 ;;
aarch64) target=arm64 ;;
s390x) target=s390 ;;
*) log "which __TARGET_ARCH is $(uname -m)?"; exit 1 ;;
esac

# Tools and headers: bpftool of that source, as an older one writes no kfuncs
# into vmlinux.h; with it come libbpf's headers.
gen=$out/gen
mkdir -p "$gen/bpftool"
stamp=$(printf '%s\n' "$src" "$VMLINUX" "$("$clang" --version)" "$(cksum <"$0")" | cksum | awk '{ print $1 }')
if [ "$(cat "$out/stamp" 2>/dev/null)" != "$stamp" ]; then
	rm -rf "$out/v3" "$out/v4" "$out/linked"
	make -s -C "$src/tools/bpf/bpftool" OUTPUT="$gen/bpftool/" CLANG="$clang" LLVM_STRIP="${LLVM_STRIP:-llvm-strip-22}" \
		SKIP_LLVM=1 SKIP_LIBBFD=1 SKIP_CRYPTO=1 bootstrap >"$gen/bpftool.log" 2>&1 || { cat "$gen/bpftool.log" >&2; exit 1; }
	"$gen/bpftool/bootstrap/bpftool" btf dump file "$VMLINUX" format c >"$gen/vmlinux.h"
	# A module in Debian's kernels, built in where the selftests are at home.
	grep -q '^struct vxlanhdr {' "$gen/vmlinux.h" ||
		printf '%s\n' '#ifndef SKEP_VXLANHDR' '#define SKEP_VXLANHDR' 'struct vxlanhdr { __be32 vx_flags; __be32 vx_vni; };' '#endif' >>"$gen/vmlinux.h"
	echo "$stamp" >"$out/stamp"
fi
bpftool=$gen/bpftool/bootstrap/bpftool
log "$(basename "$src"), vmlinux.h of $VMLINUX"

# The host's own headers come last.
after=$("$clang" -v -E - </dev/null 2>&1 | sed -n '/<...> search starts here:/,/End of search list./{ s| \(/.*\)|-idirafter \1|p }')
flags="-g -O2 -D__TARGET_ARCH_$target -I$gen -I$gen/bpftool/bootstrap/libbpf/include -I$tests -I$src/tools/include/uapi -I$src/tools/include
	-I$tests/libarena/include -std=gnu11 -fno-strict-aliasing -Wall -Wno-microsoft-anon-tag -fms-extensions -Wno-compare-distinct-pointer-types
	-Wno-initializer-overrides -DENABLE_ATOMICS_TESTS $after"
order=bpfel
[ "$(printf '\001\000' | od -An -tu2 | tr -d ' ')" = 1 ] || order=bpfeb

# compile CPU DIR FLAGS FILE...: objects that are not there yet.
compile() {
	cpu=$1 dir=$out/$2 extra=$3
	shift 3
	mkdir -p "$dir"
	for c in "$@"; do
		name=$(basename "$c" .c)
		[ -f "$dir/${name%.bpf}.bpf.o" ] || echo "$c $dir/${name%.bpf}"
	done | (cd "$tests" && xargs -r -P "${JOBS:-$(nproc)}" -L 1 nice -n 15 sh -c '
		c=$2 o=$3
		if $0 $1 -c "$c" -o "$o.tmp" 2>"$o.log"; then mv "$o.tmp" "$o.bpf.o"; rm -f "$o.log"; fi
	' "$clang" "$flags $extra --target=$order -mcpu=$cpu")
}

for cpu in ${CPUS:-v3 v4}; do
	# shellcheck disable=SC2046
	compile "$cpu" "$cpu" "" $(cd "$tests" && ls progs/*.c)
done

# What the selftests' Makefile names LINKED_SKELS, and libarena.
lib=$tests/libarena
asan="-fsanitize=kernel-address -fno-stack-protector -fno-builtin -mllvm -asan-instrument-address-spaces=1 -mllvm -asan-shadow-addr-space=1
	-mllvm -asan-use-stack-safety=0 -mllvm -asan-stack=0 -mllvm -asan-kernel=1 -mllvm -asan-constructor-kind=none
	-mllvm -asan-destructor-kind=none -DBPF_ARENA_ASAN"
link() {
	name=$1
	shift
	[ ! -f "$out/linked/$name.bpf.o" ] || return 0
	mkdir -p "$out/linked"
	"$bpftool" gen object "$out/linked/$name.tmp" "$@" 2>"$out/linked/$name.log" || return 0
	mv "$out/linked/$name.tmp" "$out/linked/$name.bpf.o"
	rm -f "$out/linked/$name.log"
}
if [ -d "$lib" ]; then
	quiet='-Wno-incompatible-pointer-types-discards-qualifiers -Wno-missing-declarations'
	compile v3 gen/libarena "$quiet" "$lib"/src/*.bpf.c "$lib"/selftests/*.bpf.c
	compile v3 gen/libarena_asan "$quiet $asan" "$lib"/src/*.bpf.c "$lib"/selftests/*.bpf.c
	link libarena "$gen"/libarena/*.bpf.o
	link libarena_asan "$gen"/libarena_asan/*.bpf.o
fi
sed -n 's/^\([a-z_0-9]*\)\.skel\.h-deps := \(.* .*\)/\1 \2/p' "$tests/Makefile" | while read -r name parts; do
	# shellcheck disable=SC2046
	link "$name" $(for p in $parts; do echo "$out/v3/$p"; done)
done

STATIC=1 "$here/../oracle/build.sh" "$gen/oracle.d" && cp "$gen/oracle.d/oracle" "$out/oracle.tmp" && mv "$out/oracle.tmp" "$out/oracle"

for l in "$out"/v3/*.log "$out"/v4/*.log "$out"/linked/*.log "$gen"/libarena*/*.log; do
	[ -f "$l" ] && echo "${l#"$out/"}: $(grep -m 1 -i error "$l" || tail -1 "$l")"
done >"$out/failed"
log "$(ls "$out"/v3/*.bpf.o "$out"/v4/*.bpf.o "$out"/linked/*.bpf.o 2>/dev/null | wc -l) objects, $(wc -l <"$out/failed") do not compile"
cat "$out/failed" >&2
