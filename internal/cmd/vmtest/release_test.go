package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const packageNames = `
linux-image-5.10.0-9-cloud-amd64 linux-image-5.10.0-46-cloud-amd64 linux-image-5.10.0-46-cloud-amd64-unsigned linux-image-5.10.0-46-amd64
linux-image-6.1-cloud-amd64 linux-image-6.1.0-0.deb11.52-cloud-amd64 linux-image-6.1.0-56-cloud-amd64
linux-image-6.12.94+deb13-cloud-amd64 linux-image-6.12.117+deb12-cloud-amd64-unsigned
linux-image-6.18.15+deb13-cloud-amd64
linux-image-6.19.14+deb13-cloud-amd64 linux-binary-6.19.14+deb13-cloud-amd64
linux-binary-7.2.12+deb13-cloud-amd64 linux-binary-unsigned-7.2.12+deb13-cloud-amd64 linux-image-7.2.12+deb13-cloud-amd64
linux-modules-7.2.12+deb13-cloud-amd64 linux-base-7.2.12+deb13-cloud-amd64
linux-binary-unsigned-7.3.4+deb13-cloud-amd64 linux-modules-7.3.4+deb13-cloud-amd64 linux-base-7.3.4+deb13-cloud-amd64
linux-image-cloud-amd64 linux-base`

func TestReleasesOf(t *testing.T) {
	for _, tt := range []struct {
		series string
		want   []string // release: packages
	}{
		{"5.10", []string{"5.10.0-46-cloud-amd64: linux-image-5.10.0-46-cloud-amd64", "5.10.0-9-cloud-amd64: linux-image-5.10.0-9-cloud-amd64"}},
		{"6.1", []string{"6.1.0-56-cloud-amd64: linux-image-6.1.0-56-cloud-amd64", "6.1.0-0.deb11.52-cloud-amd64: linux-image-6.1.0-0.deb11.52-cloud-amd64"}},
		{"6.12", []string{"6.12.117+deb12-cloud-amd64: linux-image-6.12.117+deb12-cloud-amd64-unsigned", "6.12.94+deb13-cloud-amd64: linux-image-6.12.94+deb13-cloud-amd64"}},
		{"7", []string{
			"7.3.4+deb13-cloud-amd64: linux-binary-unsigned-7.3.4+deb13-cloud-amd64 linux-modules-7.3.4+deb13-cloud-amd64 linux-base-7.3.4+deb13-cloud-amd64",
			"7.2.12+deb13-cloud-amd64: linux-binary-7.2.12+deb13-cloud-amd64 linux-modules-7.2.12+deb13-cloud-amd64 linux-base-7.2.12+deb13-cloud-amd64",
		}},
		{"6", []string{
			"6.18.15+deb13-cloud-amd64: linux-image-6.18.15+deb13-cloud-amd64",
			"6.12.117+deb12-cloud-amd64: linux-image-6.12.117+deb12-cloud-amd64-unsigned", "6.12.94+deb13-cloud-amd64: linux-image-6.12.94+deb13-cloud-amd64",
			"6.1.0-56-cloud-amd64: linux-image-6.1.0-56-cloud-amd64", "6.1.0-0.deb11.52-cloud-amd64: linux-image-6.1.0-0.deb11.52-cloud-amd64",
		}},
		{"6.19", nil}, // its modules are gone
		{"4.19", nil},
	} {
		var got []string
		for _, r := range releasesOf(strings.Fields(packageNames), tt.series, "cloud-amd64") {
			got = append(got, r.name+": "+strings.Join(r.packages, " "))
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s: %s", tt.series, diff)
		}
	}
}

func TestCompareNatural(t *testing.T) {
	sorted := []string{"", "5.9", "5.10", "5.10.0-9", "5.10.0-46", "6.1.0-0.deb11.52", "6.1.0-56", "6.12.107+deb12", "6.12.107+deb13"}
	for i, a := range sorted {
		for j, b := range sorted {
			if got := compareNatural(a, b); (got < 0) != (i < j) || (got > 0) != (i > j) {
				t.Errorf("%q and %q: %d", a, b, got)
			}
		}
	}
}

func TestFindTargets(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"6.12", "6.12"}, {"6.18", "6.18"}, {"7.x,arm64", "7.x arm64"}, {"x86", "6.12 6.1 5.10 6.x 7.x"},
		{"all", "6.12 6.1 5.10 6.x 7.x arm64 s390x"}, {"newest", "error"}, {"6.", "error"}, {"", "error"},
	} {
		list, err := findTargets(tt.in)
		var names []string
		for _, l := range list {
			names = append(names, l.name)
		}
		if err != nil {
			names = []string{"error"}
		}
		if got := strings.Join(names, " "); got != tt.want {
			t.Errorf("%q: got %q, want %q", tt.in, got, tt.want)
		}
	}
}
