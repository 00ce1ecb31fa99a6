package link

import (
	"encoding/binary"
	"math/bits"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/skepbpf/skep/internal/fuzztest"
	"github.com/skepbpf/skep/internal/tree"
)

// FuzzParseLink reads an answer of rtnetlink: an interface, an acknowledgement
// or an error, and no two of them.
func FuzzParseLink(f *testing.F) {
	f.Add([]byte{})
	f.Add(getLinkRequest("lo", 1))
	o := binary.NativeEndian
	answer := func(attrs ...byte) []byte {
		b := make([]byte, nlHeader+ifInfoMsg)
		o.PutUint16(b[4:], rtmNewLink)
		o.PutUint32(b[nlHeader+4:], 7)
		return append(b, attrs...)
	}
	xdp := appendAttr(nil, iflaXDP, appendAttr(appendAttr(nil, xdpDrvProgID, o.AppendUint32(nil, 5)), xdpHWProgID, []byte{1}))
	f.Add(answer(xdp...))
	f.Add(answer(appendAttr(nil, iflaXDP, []byte{3, 0, 5, 0})...))
	f.Add(answer(0, 0, iflaXDP, 0))
	f.Add(answer(0xff, 0xff, iflaXDP, 0))
	ack := make([]byte, nlHeader+20)
	o.PutUint16(ack[4:], nlmsgError)
	f.Add(ack)
	f.Fuzz(func(t *testing.T, b []byte) {
		fuzztest.Check(t, len(b), func() {
			if in, found, err := parseLink(b); err != nil && found || !found && in.index != 0 && err == nil {
				t.Errorf("%+v, found %v, and %v", in, found, err)
			}
		})
	})
}

// FuzzPMU reads the files of a perf event source: numbers, one bit.
func FuzzPMU(f *testing.F) {
	f.Add("8\n", "config:0\n")
	f.Add("4294967295", "config:63")
	f.Add("4294967296", "config:64")
	f.Add("", "config:0-3")
	f.Fuzz(func(t *testing.T, typ, format string) {
		root := tree.From(fstest.MapFS{
			pmuDir + "kprobe/type":            {Data: []byte(typ)},
			pmuDir + "kprobe/format/retprobe": {Data: []byte(format)},
		})
		var p pmu
		var err error
		fuzztest.Check(t, len(typ)+len(format), func() { p, err = findPMU(root, "kprobe") })
		if err == nil && bits.OnesCount64(p.retprobe) != 1 || err != nil && p != (pmu{}) {
			t.Errorf("%+v and %v", p, err)
		}
	})
}

// FuzzTargets parses the text after a section's '/' in each of its forms.
func FuzzTargets(f *testing.F) {
	f.Add("a:f@V+0x8")
	f.Add("sched/sched_switch")
	for _, s := range []string{"f+18446744073709551615", "f+0x", "a+b+1", "/usr/bin/x:C::f+9", "../x", "m:f", "a\x00b", strings.Repeat("x", 4096)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		fuzztest.Check(t, len(s), func() { parseTargets(t, s) })
	})
}

// parseTargets parses s in each way; a target is either named or an error.
func parseTargets(t *testing.T, s string) {
	if k, err := ParseKprobeTarget(s); (err == nil) != (k.Symbol != "") {
		t.Errorf("kprobe: %v, %v", k, err)
	}
	if u, err := ParseUprobeTarget(s); (err == nil) != (u.Symbol != "") {
		t.Errorf("uprobe: %v, %v", u, err)
	}
	if c, _, err := ParseTracepointTarget(s); (err == nil) != (c != "") {
		t.Errorf("tracepoint: %v, %v", c, err)
	}
	if _, fn, err := ParseTracingTarget(s); (err == nil) != (fn != "") {
		t.Errorf("tracing: %v, %v", fn, err)
	}
}
