#!/bin/sh
# source.sh PATH: prints a kernel source tree that holds PATH: LIBBPF_SRC, one of
# an earlier run, or that of Debian's newest linux-source package. SKEP_NEWEST=1
# looks for a newer one.
#
#   LIBBPF_SRC=DIR   a kernel source tree to use as it stands
#   SKEP_CACHE=DIR   where sources are kept (${XDG_CACHE_HOME:-~/.cache}/skep)
#
# The package is looked up with a private apt root: sources name the mirror that
# this machine's own Debian source names, nothing under /etc or /var changes.
set -eu
need=${1:?usage: source.sh PATH}
cache=${SKEP_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/skep}
mkdir -p "$cache"
log() { echo "source: $*" >&2; }

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

# fetch: sets src to the newest linux-source's tree. Unpacked is what libbpf, bpftool and the BPF selftests need.
fetch() {
	apt_root
	# shellcheck disable=SC2046
	apt-get -qq $(apt_opts) update >&2 || { sleep 5; apt-get -qq $(apt_opts) update >&2; }
	# shellcheck disable=SC2046
	pkg=$(apt-cache $(apt_opts) search --names-only '^linux-source-[0-9]+\.[0-9]+$' | awk '{ print $1 }' | sort -V | tail -1)
	[ -n "$pkg" ] || { log "no linux-source package found"; exit 1; }
	src=$cache/$pkg
	[ -e "$src/$need" ] && return
	log "fetching $pkg"
	tmp=$(mktemp -d "$cache/fetch.XXXXXX")
	trap 'rm -rf "$tmp"' EXIT
	# shellcheck disable=SC2046
	(cd "$tmp" && { apt-get -qq $(apt_opts) download "$pkg" >&2 || { sleep 5; apt-get -qq $(apt_opts) download "$pkg" >&2; }; })
	dpkg-deb --fsys-tarfile "$tmp"/*.deb | tar -x -C "$tmp" --wildcards --strip-components=3 '*/linux-source-*.tar.xz'
	mkdir "$tmp/tree"
	tar -xf "$tmp"/linux-source-*.tar.xz -C "$tmp/tree" --strip-components=1 --wildcards \
		'*/tools/lib/bpf' '*/tools/include' '*/tools/arch/*/include' '*/include/uapi' '*/tools/testing/selftests/bpf' \
		'*/tools/bpf/bpftool' '*/tools/build' '*/tools/scripts' '*/kernel/bpf/disasm.[ch]' '*/scripts/bpf_doc.py'
	rm -rf "$src.old"
	[ ! -d "$src" ] || mv "$src" "$src.old" # of before there was more to unpack
	mv "$tmp/tree" "$src"
	rm -rf "$src.old"
}

src=${LIBBPF_SRC:-}
if [ -z "$src" ]; then
	src=$(ls -d "$cache"/linux-source-*/"$need" 2>/dev/null | sort -V | tail -1)
	src=${src%"/$need"}
	[ -n "$src" ] && [ -z "${SKEP_NEWEST:-}" ] || fetch
fi
[ -e "$src/$need" ] || { log "no $need in $src"; exit 1; }
echo "$src"
