package kernel

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/skepbpf/skep/internal/fuzztest"
	"github.com/skepbpf/skep/internal/version"
)

// FuzzParseCPUs: what is parsed ascends, and parses again from its own text.
func FuzzParseCPUs(f *testing.F) {
	for _, s := range []string{"0-3,7", "0", "", "0-65535\n", "3-1", "0,0", "0-4294967296", "1-2-3", "-1", "+1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var cpus []int
		var err error
		// A list of CPUs is as long as the last of them says; growing it six
		// times as much.
		fuzztest.Within(t, len(s), fuzztest.Ceiling(len(s))+6*8*maxCPU, func() { cpus, err = ParseCPUs(s) })
		if (err != nil) != (cpus == nil) {
			t.Fatalf("cpus %v, error %v", cpus, err)
		}
		if err != nil {
			return
		}
		var text []string
		for i, c := range cpus {
			if i > 0 && c <= cpus[i-1] {
				t.Fatalf("%d follows %d", c, cpus[i-1])
			}
			text = append(text, strconv.Itoa(c))
		}
		if again, err := ParseCPUs(strings.Join(text, ",")); err != nil || !slices.Equal(again, cpus) {
			t.Errorf("parsed again: %v, %v", again, err)
		}
	})
}

// FuzzParseConfig: the first line that sets a key gives its value.
func FuzzParseConfig(f *testing.F) {
	f.Add([]byte("CONFIG_A=y\nCONFIG_B=\"x\"\n"), "CONFIG_A")
	f.Add([]byte("# CONFIG_A is not set\nCONFIG_AB=1\nCONFIG_A=m\r\nCONFIG_A=y\n"), "CONFIG_A")
	f.Add([]byte("CONFIG_A"), "CONFIG_A")
	f.Add([]byte("CONFIG_A=\x00\n="), "")
	f.Fuzz(func(t *testing.T, text []byte, key string) {
		var got map[string]string
		fuzztest.Check(t, len(text)+len(key), func() { got = ParseConfig(text, []string{key, "CONFIG_B"}) })
		want, found := "", false
		if strings.HasPrefix(key, "C") && !strings.ContainsAny(key, "=\n") {
			for line := range strings.SplitSeq(string(text), "\n") {
				if want, found = strings.CutPrefix(line, key+"="); found {
					want = strings.TrimSuffix(want, "\r")
					break
				}
			}
		}
		if value, ok := got[key]; ok != found || ok && value != want {
			t.Errorf("%q is %q (%v), want %q (%v)", key, value, ok, want, found)
		}
	})
}

// FuzzParseMounts: mount points are absolute paths, one a line at most.
func FuzzParseMounts(f *testing.F) {
	f.Add([]byte("36 35 98:0 / /sys/kernel/tracing rw shared:1 - tracefs tracefs rw\n"), "tracefs")
	f.Add([]byte(`36 35 98:0 / /a\040b\134 rw - tracefs x`+"\n"+`36 35 98:0 /part /b rw - tracefs x`), "tracefs")
	f.Add([]byte(`1 2 3 / /\04`+"\n - \n"), "")
	f.Fuzz(func(t *testing.T, text []byte, fstype string) {
		var got []string
		fuzztest.Check(t, len(text)+len(fstype), func() { got = ParseMounts(text, fstype) })
		if n := strings.Count(string(text), "\n") + 1; len(got) > n {
			t.Errorf("%d mounts in %d lines", len(got), n)
		}
		for _, at := range got {
			if !strings.HasPrefix(at, "/") {
				t.Errorf("mounted at %q", at)
			}
		}
	})
}

// FuzzParseVersion: an error or a version; without what Ubuntu and Debian add,
// the release decides.
func FuzzParseVersion(f *testing.F) {
	f.Add("Ubuntu 5.4.0-12.15-generic 5.4.8", "5.4.0-12-generic", "#15-Ubuntu SMP")
	f.Add("", "4.19.0-22-amd64", "#1 SMP Debian 4.19.260-1 (2022-09-29)")
	f.Add("a b 1.2.", "6.12", "Debian 99999.1.1")
	f.Add("", "", "Debian ")
	f.Add("U4.0-1\x04.15-generic 5.4.8", "5.4.0-12-generic", "#15-Ubuntu SMP")
	f.Fuzz(func(t *testing.T, signature, release, text string) {
		n := len(signature) + len(release) + len(text)
		var v version.V
		var err error
		fuzztest.Check(t, n, func() { v, err = ParseVersion(signature, Uname{Release: release, Version: text}) })
		if err != nil && v != (version.V{}) {
			t.Errorf("%v and %v", v, err)
		}
		if len(strings.Fields(signature)) >= 3 || strings.Contains(text, "Debian ") {
			return
		}
		if want, wantErr := version.Parse(release); v != want || (err == nil) != (wantErr == nil) {
			t.Errorf("%v, %v; the release says %v, %v", v, err, want, wantErr)
		}
	})
}
