package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSourceLines(t *testing.T) {
	const wantTail = "deb [signed-by=/k.gpg] http://mirror.test/security bullseye-security main\n" +
		"deb [signed-by=/k.gpg] http://mirror.test/security bookworm-security main\n" +
		"deb [signed-by=/k.gpg] http://mirror.test/security trixie-security main\n"
	deb822 := parseDeb822(`Types: deb deb-src
# Enabled: no
URIs: http://mirror.test/debian
Suites: bookworm bookworm-updates
Components: main
Signed-By: /k.gpg

Types: deb
Enabled: no
URIs: http://off.test/debian-security
Suites: bookworm-security

Types: deb
URIs: http://mirror.test/security
Suites: bookworm-security
Signed-By: /k.gpg
`)
	lines, err := sourceLines(deb822, "bookworm")
	if err != nil {
		t.Fatal(err)
	}
	want := "deb [signed-by=/k.gpg] http://mirror.test/debian bookworm main\n" +
		"deb [signed-by=/k.gpg] http://mirror.test/debian trixie-backports main\n" + wantTail
	if diff := cmp.Diff(want, lines); diff != "" {
		t.Error(diff)
	}
	list := parseList("# comment\ndeb http://mirror.test/debian bookworm main contrib\ndeb-src http://x.test/ bookworm main\n" +
		"  deb [ arch=amd64 signed-by=/k.gpg ] http://mirror.test/security bookworm-security main\ndeb\n")
	if lines, err = sourceLines(list, "bookworm"); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Replace(want, "[signed-by=/k.gpg] ", "", 2), lines); diff != "" {
		t.Error(diff)
	}
	if _, err := sourceLines(list, "sid"); err == nil || !strings.Contains(err.Error(), "sid") {
		t.Errorf("another release: %v", err)
	}
}
