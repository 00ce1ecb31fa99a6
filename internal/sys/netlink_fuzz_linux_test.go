package sys

import (
	"encoding/binary"
	"testing"

	"github.com/skepbpf/skep/internal/fuzztest"
)

// FuzzNetlinkAnswer splits datagrams of anything: each message is part of the
// input, of this request, and not shorter than its header.
func FuzzNetlinkAnswer(f *testing.F) {
	o := binary.NativeEndian
	message := func(n uint32, typ uint16, seq uint32, data ...byte) []byte {
		b := o.AppendUint32(nil, n)
		b = o.AppendUint16(b, typ)
		b = o.AppendUint32(o.AppendUint32(o.AppendUint16(b, 0), seq), 0)
		return append(b, data...)
	}
	f.Add(append(message(20, 16, 1, 1, 2, 3, 4), message(20, nlmsgDone, 1, 0xff, 0xff, 0xff, 0xff)...), uint32(1))
	f.Add(message(17, 16, 1, 1), uint32(1))
	f.Add(message(16, nlmsgDone, 1), uint32(1))
	f.Add(message(0, 16, 1), uint32(1))
	f.Add(message(1<<32-1, nlmsgError, 1), uint32(1))
	f.Add(message(16, 16, 2), uint32(1))
	f.Fuzz(func(t *testing.T, b []byte, seq uint32) {
		fuzztest.Check(t, len(b), func() {
			a := netlinkAnswer{seq: seq}
			err := a.add(b)
			total := 0
			for _, m := range a.messages {
				if len(m) < nlHeader || o.Uint32(m[8:]) != seq || o.Uint32(m) != uint32(len(m)) {
					t.Fatalf("message % x", m)
				}
				total += len(m)
			}
			if total > len(b) {
				t.Fatalf("messages of %d bytes in %d", total, len(b))
			}
			if err == nil && !a.done && len(b) > 0 && len(a.messages) > len(b)/nlHeader {
				t.Fatalf("%d messages in %d bytes", len(a.messages), len(b))
			}
		})
	})
}
