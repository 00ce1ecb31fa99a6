package kernel

import (
	"errors"
	"io/fs"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/skepbpf/skep/internal/tree"
	"github.com/skepbpf/skep/internal/version"
)

// root is a recorded file system.
func root(name string) tree.Root { return tree.From(os.DirFS("testdata/" + name)) }

func TestVersionOfFixtures(t *testing.T) {
	for _, tt := range []struct {
		root string
		want version.V
	}{
		{"debian", version.V{Major: 6, Minor: 1, Patch: 55}},
		{"ubuntu", version.V{Major: 5, Minor: 4, Patch: 8}},
	} {
		got, err := Version(root(tt.root))
		if err != nil || got != tt.want {
			t.Errorf("%s: %v, %v; want %v", tt.root, got, err, tt.want)
		}
	}
	if _, err := Version(root("hidden")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no osrelease: %v", err)
	}
}

func TestParseVersion(t *testing.T) {
	for _, tt := range []struct {
		name, signature string
		u               Uname
		want            string
		bad             bool
	}{
		{name: "mainline", u: Uname{"6.18.44", "#1 SMP"}, want: "6.18.44"},
		{name: "release without patch level", u: Uname{"7.0-rc1", ""}, want: "7.0"},
		{name: "Debian", u: Uname{"4.19.0-22-amd64", "#1 SMP Debian 4.19.260-1 (2022-09-29)"}, want: "4.19.260"},
		{name: "Debian of two numbers falls back", u: Uname{"6.12-amd64", "#1 SMP Debian 6.12~rc1-1"}, want: "6.12"},
		{name: "Debian, third number missing", u: Uname{"6.12.3-amd64", "#1 SMP Debian 6.12.x"}, want: "6.12.3"},
		{name: "Ubuntu", signature: "Ubuntu 5.15.0-91.101-generic 5.15.131\n", u: Uname{"5.15.0-91-generic", ""}, want: "5.15.131"},
		{name: "Ubuntu wins over Debian", signature: "Ubuntu x 5.15.131", u: Uname{"5.15.0", "Debian 1.2.3"}, want: "5.15.131"},
		{name: "signature cut short", signature: "Ubuntu 5.15.0-91.101-generic", u: Uname{"5.15.0-91-generic", ""}, want: "5.15"},
		{name: "garbage", u: Uname{"linux", ""}, bad: true},
		{name: "empty", bad: true},
	} {
		v, err := ParseVersion(tt.signature, tt.u)
		switch {
		case tt.bad != (err != nil):
			t.Errorf("%s: error %v", tt.name, err)
		case !tt.bad && v.String() != tt.want:
			t.Errorf("%s: got %v, want %s", tt.name, v, tt.want)
		}
	}
}

func TestCPUs(t *testing.T) {
	n, err := PossibleCPUs(root("debian"))
	if err != nil || n != 5 {
		t.Errorf("possible: %d, %v", n, err)
	}
	on, err := OnlineCPUs(root("debian"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]int{0, 1}, on); diff != "" {
		t.Error(diff)
	}
}

func TestParseCPUs(t *testing.T) {
	for _, tt := range []struct {
		in   string
		want []int
		bad  bool
	}{
		{in: "0\n", want: []int{0}},
		{in: "0-2,5,7-8", want: []int{0, 1, 2, 5, 7, 8}},
		{in: "", bad: true},
		{in: "0,", bad: true},
		{in: "3-1", bad: true},
		{in: "0-2,2", bad: true},
		{in: "0-4294967295", bad: true},
		{in: "-1", bad: true},
		{in: "0-65536", bad: true},
	} {
		got, err := ParseCPUs(tt.in)
		if tt.bad != (err != nil) {
			t.Errorf("%q: error %v", tt.in, err)
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%q: %s", tt.in, diff)
		}
	}
}

func TestConfig(t *testing.T) {
	keys := []string{"CONFIG_HZ", "CONFIG_BPF_PRELOAD", "CONFIG_CC_VERSION_TEXT", "CONFIG_IPV6", "CONFIG_MODULES"}
	for _, tt := range []struct {
		root, release string
		want          map[string]string
	}{
		{"debian", "6.1.0-13-amd64", map[string]string{
			"CONFIG_HZ": "250", "CONFIG_IPV6": "m",
			"CONFIG_CC_VERSION_TEXT": `"gcc-12 (Debian 12.2.0-14) 12.2.0"`,
		}},
		{"ubuntu", "5.4.0-12-generic", map[string]string{"CONFIG_HZ": "300", "CONFIG_MODULES": "y"}},
	} {
		text, _, err := ReadConfig(root(tt.root), tt.release)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(tt.want, ParseConfig(text, keys)); diff != "" {
			t.Errorf("%s: %s", tt.root, diff)
		}
	}
	for _, release := range []string{"", "../../etc/passwd", "other"} {
		if _, _, err := ReadConfig(root("hidden"), release); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("release %q: %v", release, err)
		}
	}
}
