package maps

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/skepbpf/skep/internal/sys"
	"github.com/skepbpf/skep/internal/sys/systest"
	"github.com/skepbpf/skep/internal/testutil"
)

// TestFaultsOfAMapsLife fails each call of what is done with a map on the real
// kernel: create, fill, read, delete, pin, open again, unpin.
func TestFaultsOfAMapsLife(t *testing.T) {
	needKernel(t)
	testutil.Require(t, "5.6") // batches
	dir := pinDir(t)
	path := filepath.Join(dir, "pinned")
	keys := []byte{1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0}
	runs := systest.EachFault(t, systest.Faults{Watch: systest.Watch{Pins: []string{dir}}}, func(t *testing.T, in *systest.Injector) {
		m, err := New(&Spec{Name: "life", Type: Hash, KeySize: 4, ValueSize: 4, MaxEntries: 8}, nil)
		in.Judge(t, err)
		if err != nil {
			return
		}
		defer m.Close()
		judge := func(verb string, err error) {
			in.Judge(t, err)
			if err != nil && !strings.HasPrefix(err.Error(), "map ") {
				t.Errorf("%s: the error does not name the map: %v", verb, err)
			}
		}
		n, err := m.UpdateBatch(keys, keys, Any)
		judge("update", err)
		var c Cursor
		got := make([]byte, len(keys))
		read, done, err := m.LookupBatch(&c, got, make([]byte, len(keys)), 0)
		judge("lookup", err)
		if err == nil && (!done && read != n || read > n) {
			t.Errorf("%d keys of %d read, done %v", read, n, done)
		}
		v, err := Typed[uint32, uint32](m)
		judge("view", err)
		if err == nil {
			pass, seen := v.Iterate(), 0
			for range pass.All() {
				seen++
			}
			judge("iterate", pass.Err())
			if pass.Err() == nil && seen != n {
				t.Errorf("%d of %d entries seen, and no error", seen, n)
			}
		}
		_, err = m.DeleteBatch(keys[:4])
		if n == 3 || !errors.Is(err, ErrKeyNotExist) {
			judge("delete", err)
		}
		if err = m.Pin(path); err == nil {
			again, err := OpenPinned(path, 0)
			in.Judge(t, err)
			again.Close()
			judge("unpin", m.Unpin())
		} else {
			judge("pin", err)
		}
		in.Disarm()
		if _, err := os.Stat(path); err == nil && in.Fired() == 0 {
			t.Error("the pin is still there")
		}
		_ = os.Remove(path)
	})
	t.Logf("%d cases", runs)
}

// TestFaultsOfTypedMaps fails each call of views, which ask for the possible
// CPUs and the map's BTF.
func TestFaultsOfTypedMaps(t *testing.T) {
	needKernel(t)
	systest.EachFault(t, systest.Faults{Errnos: []sys.Errno{sys.EPERM, sys.ENOMEM}}, func(t *testing.T, in *systest.Injector) {
		m, err := New(&Spec{Name: "percpu", Type: PerCPUArray, KeySize: 4, ValueSize: 8, MaxEntries: 2}, nil)
		in.Judge(t, err)
		if err != nil {
			return
		}
		defer m.Close()
		v, err := Typed[uint32, []uint64](m)
		in.Judge(t, err)
		if err != nil {
			return
		}
		var values []uint64
		err = v.Lookup(1, &values)
		in.Judge(t, err)
		if err == nil && slices.Max(values) != 0 {
			t.Errorf("a new map holds %v", values)
		}
	})
}
