#!/bin/sh
# rows.sh KERNEL [PATTERN]: TestRows and TestRowsOfLibbpf (subtests of this
# PATTERN) on another kernel, by a name that vmtest knows. libbpf goes along in
# testdata, of which a guest has all.
set -eu
kernel=${1:?usage: rows.sh KERNEL [PATTERN]}
root=$(cd "$(dirname "$0")/../.." && pwd)
data=$root/internal/compat/testdata
[ ! -e "$data" ] || { echo "rows.sh: $data is in use" >&2; exit 1; }
built=$(mktemp -d)
trap 'rm -rf "$data" "$built"' EXIT
STATIC=1 "$root/internal/compat/oracle/build.sh" "$built"
mkdir "$data"
mv "$built/oracle" "$data/"
cd "$root"
go run ./internal/cmd/vmtest -kernel "$kernel" -pkg ./internal/compat -run "TestRows(OfLibbpf)?\$${2:+/$2}" -v
