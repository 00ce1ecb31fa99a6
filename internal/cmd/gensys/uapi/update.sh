#!/bin/sh
# update.sh INCLUDE: rewrite bpf.btf and consts.txt from the kernel headers
# below INCLUDE (default /usr/include). They are the inputs of gensys; run
# `go generate ./internal/sys` afterwards. Needs clang with the BPF target and
# llvm-objcopy; CLANG and OBJCOPY choose other binaries.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
inc=${1:-/usr/include}
clang=${CLANG:-clang-22}
objcopy=${OBJCOPY:-llvm-objcopy-22}
headers="linux/bpf_common.h linux/bpf.h linux/btf.h linux/perf_event.h"
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

arch=$(ls -d "$inc"/*-linux-gnu/asm | grep -E '/(x86_64|aarch64)-' | head -1)
flags="-nostdinc -I$inc -I${arch%/asm}"
for h in $headers; do echo "#include <$h>"; done >"$tmp/all.h"

# One global variable for each named type: clang writes BTF only for types that
# a variable or a function uses. __aligned_u64 is how uapi writes a pointer in a
# structure of fixed layout; as a typedef, not a macro, it is still seen in BTF.
{
	echo '#include <linux/types.h>'
	echo '#undef __aligned_u64'
	echo 'typedef __u64 __aligned_u64 __attribute__((aligned(8)));'
	cat "$tmp/all.h"
	for h in $headers; do
		sed -nE 's/^(struct|union|enum) ([a-z_0-9]+) \{.*/\1 \2 v_\2;/p' "$inc/$h"
	done
} >"$tmp/types.c"
$clang -g -O2 -target bpf $flags -c "$tmp/types.c" -o "$tmp/types.o"
$objcopy --dump-section .BTF="$here/bpf.btf" "$tmp/types.o"

# The names of object-like macros and of the values of unnamed enums.
{
	for h in $headers; do
		sed -nE 's/^#[ \t]*define[ \t]+((BPF|BTF|XDP|PERF|MAX_BPF)_[A-Z_0-9]+)[ \t]+.*/\1/p' "$inc/$h"
		$clang -E -P $flags "$inc/$h" | tr '\n' ' ' |
			grep -oE 'enum \{[^}]*\}' | sed -E 's/^enum \{//; s/\}$//' | tr ',' '\n' |
			sed -nE 's/^ *((BPF|BTF|XDP|PERF|SK)_[A-Za-z_0-9]+).*/\1/p'
	done
} | sort -u >"$tmp/names"

# Their values: an array initialised with each, read back from the object file.
# Names that are no integer constants (ioctl numbers differ between machines
# and are left to x/sys) are dropped by the compiler's own complaint.
: >"$tmp/good"
while read -r name; do
	case $name in PERF_EVENT_IOC_*) continue ;; esac
	printf '#include "%s/all.h"\nenum { probe = (long long)(%s) != 0 };\n' "$tmp" "$name" >"$tmp/one.c"
	if $clang -target bpf $flags -fsyntax-only "$tmp/one.c" 2>/dev/null; then echo "$name" >>"$tmp/good"; fi
done <"$tmp/names"
{
	cat "$tmp/all.h"
	echo 'const long long values[] __attribute__((section("uapi_values"))) = {'
	sed 's/.*/(long long)(&),/' "$tmp/good"
	echo '};'
} >"$tmp/values.c"
$clang -target bpfel $flags -c "$tmp/values.c" -o "$tmp/values.o"
$objcopy --dump-section uapi_values="$tmp/value.bin" "$tmp/values.o"
{
	echo "# name value: object-like macros and unnamed enums of $(echo $headers | sed 's/ /, /g'); written by update.sh"
	od -An -v -td8 -w8 "$tmp/value.bin" | paste -d' ' "$tmp/good" - | tr -s ' '
} >"$here/consts.txt"
wc -c "$here/bpf.btf" "$here/consts.txt"
