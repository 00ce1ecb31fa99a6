#!/bin/sh
# guest.sh DIR KERNEL TABLE [PATTERN]: TestSelftests on another kernel (a name
# that vmtest knows), with the objects that build.sh put into DIR, or of these
# PATTERN. Rows go to TABLE, the rest to standard output.
#
# A guest has all testdata of the module: the objects, without what only
# debuggers read, stand in it for as long as this runs.
set -eu
dir=$(cd "${1:?usage: guest.sh DIR KERNEL TABLE [PATTERN]}" && pwd)
kernel=$2 table=$3
root=$(cd "$(dirname "$0")/../../.." && pwd)
data=$root/internal/compat/testdata/selftests
[ ! -e "$data" ] || { echo "guest.sh: $data is in use" >&2; exit 1; }
log=$(mktemp)
trap 'rm -rf "$data" "$log"; rmdir "$root/internal/compat/testdata" 2>/dev/null || :' EXIT
for o in "$dir"/${CPUS:-v3}/*.bpf.o "$dir"/linked/*.bpf.o; do
	[ -f "$o" ] || continue
	to=$data/${o#"$dir/"}
	mkdir -p "$(dirname "$to")"
	"${LLVM_STRIP:-llvm-strip-22}" -g -o "$to" "$o"
done
cp "$dir/oracle" "$data/"
cd "$root"
go run ./internal/cmd/vmtest -kernel "$kernel" -pkg ./internal/compat -run 'TestSelftests$' -v -timeout "${TIME:-60m}" -- \
	-selftests=testdata/selftests -table=- -patience="${PATIENCE:-30s}" -object="${4:-*}" >"$log" 2>&1 && status=0 || status=$?
sed -n 's/.*row: \(.*\)/\1/p' "$log" | tr -d '\r' >"$table"
grep -v 'row: ' "$log" || :
exit $status
