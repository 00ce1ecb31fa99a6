package diagnose_test

import (
	"errors"
	"testing"
	"unsafe"

	"github.com/skepbpf/skep/internal/diagnose"
	"github.com/skepbpf/skep/internal/fuzztest"
	"github.com/skepbpf/skep/internal/sys"
	"github.com/skepbpf/skep/internal/sys/systest"
	"github.com/skepbpf/skep/refusal"
)

// FuzzExplain reads the files and the line of a log that a refusal is explained
// by, whatever they hold: the errno stays, and there is a text.
func FuzzExplain(f *testing.F) {
	f.Add("6.12.1", all, initial, "none [integrity] confidentiality", "unknown func bpf_probe_write_user#36")
	f.Add("5.10.0", none, container, "[none]", "BPF program is too large. Processed 1000001 insn")
	f.Add("", "", "", "[", "")
	f.Add("x", "fffffffffffffffff", "0", "]", "JIT is required")
	f.Fuzz(func(t *testing.T, release, caps, uids, level, reason string) {
		systest.NewKernel(t).Refuse = func(sys.Cmd, unsafe.Pointer) sys.Errno { return sys.EPERM }
		root := machine(release, caps, uids, lockdown, level, disabled, release, paranoid, caps)
		n := len(release) + len(caps) + len(uids) + len(level) + len(reason)
		// Each of a dozen files is read through a buffer of its own.
		fuzztest.Within(t, n, fuzztest.Ceiling(16*n), func() {
			for _, ask := range []diagnose.Ask{
				{Needs: diagnose.BPF | diagnose.Perfmon, Root: root},
				{Needs: diagnose.BPF, Open: true, Root: root},
				{Needs: diagnose.Perfmon, Perf: true, Paranoid: true, Root: root},
			} {
				err := diagnose.Explain(sys.EPERM, &ask)
				if !errors.Is(err, sys.EPERM) || err.Error() == "" {
					t.Fatalf("EPERM became %v", err)
				}
			}
			var why *refusal.Error
			if why = diagnose.FromLog(reason, root); why != nil && why.Error() == "" {
				t.Fatalf("%+v says nothing", why)
			}
			diagnose.Size(len(reason)*1000, root)
		})
	})
}
