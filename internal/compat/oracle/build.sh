#!/bin/sh
# build.sh OUTDIR: builds the oracle programs against libbpf of Debian's newest
# linux-source package and prints nothing but errors.
# build.sh OUTDIR NAME FILE.c...: builds one other program of these files.
#
#   LIBBPF_SRC=DIR   a kernel source tree to use in place of that (see ../source.sh)
#   STATIC=1         programs that need no library where they run
#   PROG_LDFLAGS=... how to link (-Wl,--wrap=syscall)
#   SKEP_CACHE=DIR   where sources and the library are kept (${XDG_CACHE_HOME:-~/.cache}/skep)
set -eu
out=${1:?usage: build.sh OUTDIR}
here=$(cd "$(dirname "$0")" && pwd)
cache=${SKEP_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/skep}
mkdir -p "$out" "$cache"
out=$(cd "$out" && pwd)
src=$("$here/../source.sh" tools/lib/bpf/libbpf.c)

# The library, one object a source file, rebuilt when the tree's name or this script changes.
stamp=$(printf '%s %s' "$src" "$(cksum <"$0")" | cksum | awk '{ print $1 }')
lib=$cache/libbpf-$stamp
if [ ! -f "$lib/libbpf.a" ]; then
	tmp=$lib.tmp$$
	mkdir -p "$tmp/include/bpf"
	cp "$src"/tools/lib/bpf/*.h "$tmp/include/bpf/"
	for c in "$src"/tools/lib/bpf/*.c; do
		echo "$c"
	done | xargs -P "$(nproc)" -n 1 sh -c 'exec gcc -O2 -g0 -w -std=gnu11 -D_GNU_SOURCE -D_LARGEFILE64_SOURCE -D_FILE_OFFSET_BITS=64 \
		-I"$0/tools/lib/bpf" -I"$0/tools/include" -I"$0/tools/include/uapi" -c "$2" -o "$1/$(basename "$2" .c).o"' "$src" "$tmp"
	ar rcs "$tmp/libbpf.a" "$tmp"/*.o
	rm -f "$tmp"/*.o
	rm -rf "$lib"
	mv "$tmp" "$lib"
fi
basename "$src" >"$out/libbpf.source"

link() {
	name=$1
	shift
	# shellcheck disable=SC2086
	gcc -O2 -g0 -Wall -Wextra -Wno-unused-parameter -std=gnu11 -D_GNU_SOURCE -I"$lib/include" -I"$src/tools/include/uapi" \
		${STATIC:+-static} -o "$out/$name" "$@" "$lib/libbpf.a" ${PROG_LDFLAGS--Wl,--wrap=syscall} -lelf -lz ${PROG_LDLIBS:-}
}

shift
if [ $# -gt 0 ]; then
	link "$@"
	exit
fi
for prog in "$here"/*.c; do
	link "$(basename "$prog" .c)" "$prog"
done
