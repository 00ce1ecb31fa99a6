#!/bin/sh
# build.sh OUTDIR: builds the oracle programs against libbpf of Debian's newest
# linux-source package and prints nothing but errors.
# build.sh OUTDIR NAME FILE.c...: builds one other program of these files.
#
#   LIBBPF_SRC=DIR   a kernel source tree to use as it stands (holds tools/lib/bpf)
#   PROG_LDFLAGS=... how to link (-Wl,--wrap=syscall)
#   SKEP_CACHE=DIR   where sources and the library are kept (${XDG_CACHE_HOME:-~/.cache}/skep)
#
# The package is looked up with a private apt root: sources name the mirror that
# this machine's own Debian source names, nothing under /etc or /var changes.
set -eu
out=${1:?usage: build.sh OUTDIR}
here=$(cd "$(dirname "$0")" && pwd)
cache=${SKEP_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/skep}
mkdir -p "$out" "$cache"
out=$(cd "$out" && pwd)
log() { echo "oracle: $*" >&2; }

# deb822 "Field: value" of the first stanza that is Debian's main archive.
field() { awk -v f="$1:" '$1 == f { print $2; exit }' /etc/apt/sources.list.d/debian.sources 2>/dev/null; }

apt_root() {
	root=$cache/apt
	mkdir -p "$root/state/lists/partial" "$root/cache/archives/partial"
	uri=$(field URIs)
	key=$(field Signed-By)
	if [ -z "$uri" ]; then
		uri=$(awk '$1 == "deb" && $2 !~ /^\[/ && $2 ~ /debian\/?$/ { print $2; exit }' /etc/apt/sources.list 2>/dev/null)
	fi
	[ -n "$uri" ] || { log "no Debian package source in /etc/apt; set LIBBPF_SRC"; exit 1; }
	key=${key:-/usr/share/keyrings/debian-archive-keyring.gpg}
	for suite in trixie trixie-backports; do
		echo "deb [signed-by=$key] $uri $suite main"
	done >"$root/sources.list"
}

apt_opts() {
	echo "-o Dir::State=$root/state -o Dir::Cache=$root/cache -o Dir::Etc::SourceList=$root/sources.list" \
		"-o Dir::Etc::SourceParts=/dev/null -o Dir::State::Status=/dev/null -o APT::Sandbox::User=root"
}

# fetch: sets src to the newest linux-source's tree, of which only what libbpf needs is unpacked.
fetch() {
	apt_root
	# shellcheck disable=SC2046
	apt-get -qq $(apt_opts) update >&2 || { sleep 5; apt-get -qq $(apt_opts) update >&2; }
	# shellcheck disable=SC2046
	pkg=$(apt-cache $(apt_opts) search --names-only '^linux-source-[0-9]+\.[0-9]+$' | awk '{ print $1 }' | sort -V | tail -1)
	[ -n "$pkg" ] || { log "no linux-source package found"; exit 1; }
	src=$cache/$pkg
	[ -d "$src/tools/lib/bpf" ] && return
	log "fetching $pkg"
	tmp=$(mktemp -d "$cache/fetch.XXXXXX")
	trap 'rm -rf "$tmp"' EXIT
	# shellcheck disable=SC2046
	(cd "$tmp" && { apt-get -qq $(apt_opts) download "$pkg" >&2 || { sleep 5; apt-get -qq $(apt_opts) download "$pkg" >&2; }; })
	dpkg-deb --fsys-tarfile "$tmp"/*.deb | tar -x -C "$tmp" --wildcards --strip-components=3 '*/linux-source-*.tar.xz'
	mkdir "$tmp/tree"
	tar -xf "$tmp"/linux-source-*.tar.xz -C "$tmp/tree" --strip-components=1 --wildcards \
		'*/tools/lib/bpf' '*/tools/include' '*/tools/arch/*/include' '*/include/uapi'
	mv "$tmp/tree" "$src"
}

if [ -n "${LIBBPF_SRC:-}" ]; then
	src=$LIBBPF_SRC
else
	# A tree of an earlier run is good enough; SKEP_NEWEST=1 looks for a newer one.
	src=$(ls -d "$cache"/linux-source-*/tools/lib/bpf 2>/dev/null | sort -V | tail -1)
	src=${src%/tools/lib/bpf}
	[ -n "$src" ] && [ -z "${SKEP_NEWEST:-}" ] || fetch
fi
[ -f "$src/tools/lib/bpf/libbpf.c" ] || { log "no tools/lib/bpf in $src"; exit 1; }

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
		-o "$out/$name" "$@" "$lib/libbpf.a" ${PROG_LDFLAGS--Wl,--wrap=syscall} -lelf -lz ${PROG_LDLIBS:-}
}

shift
if [ $# -gt 0 ]; then
	link "$@"
	exit
fi
for prog in "$here"/*.c; do
	link "$(basename "$prog" .c)" "$prog"
done
