package main

import (
	"io/fs"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestDependencyOrder(t *testing.T) {
	tree := map[string][]string{
		"cls_bpf": nil, "nf_conntrack": {"nf_defrag_ipv6", "nf-defrag-ipv4", "libcrc32c"},
		"nf_defrag_ipv4": nil, "nf_defrag_ipv6": nil, "libcrc32c": {"crc32c"}, "crc32c": nil,
		"x": {"y"}, "y": {"z"}, "z": {"x"}, "broken": {"nowhere"},
	}
	for _, tt := range []struct {
		name, ask, want, err string
	}{
		{"alone", "cls_bpf", "cls_bpf", ""},
		{"needs first", "nf_conntrack", "nf_defrag_ipv6 nf_defrag_ipv4 crc32c libcrc32c nf_conntrack", ""},
		{"each once", "libcrc32c nf_conntrack crc32c", "crc32c libcrc32c nf_defrag_ipv6 nf_defrag_ipv4 nf_conntrack", ""},
		{"built in", "veth cls-bpf", "cls_bpf", ""},
		{"circle", "x", "", "need each other"},
		{"missing need", "broken", "", "module nowhere: file does not exist"},
		{"asked for and needed", "nowhere broken", "broken", ""},
	} {
		got, err := dependencyOrder(strings.Fields(tt.ask), func(name string) ([]string, error) {
			needs, ok := tree[name]
			if !ok {
				return nil, fs.ErrNotExist
			}
			return needs, nil
		})
		if tt.err != "" {
			if err == nil || !strings.Contains(err.Error(), tt.err) {
				t.Errorf("%s: got %v, want %q", tt.name, err, tt.err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
		if diff := cmp.Diff(tt.want, strings.Join(got, " ")); diff != "" {
			t.Errorf("%s: %s", tt.name, diff)
		}
	}
}

func TestModinfoDepends(t *testing.T) {
	for in, want := range map[string]string{
		"license=GPL\x00depends=\x00name=a\x00":          "",
		"license=GPL\x00depends=b,c-d\x00vermagic=6\x00": "b c-d",
		"alias=depends=x\x00":                            "",
		"":                                               "",
	} {
		if got := strings.Join(modinfoDepends([]byte(in)), " "); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}
