package btf

import (
	"io/fs"
	"os"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/skepbpf/skep/internal/testutil"
)

// mapFS is the machine's root, whose files can be mapped.
type mapFS struct{ fs.FS }

type mapFile struct {
	*os.File
	b []byte
}

func (m mapFS) Open(name string) (fs.File, error) {
	f, err := os.Open("/" + name)
	if err != nil {
		return nil, err
	}
	return &mapFile{File: f}, nil
}

func (f *mapFile) Map() ([]byte, error) {
	st, err := f.Stat()
	if err != nil {
		return nil, err
	}
	f.b, err = syscall.Mmap(int(f.Fd()), 0, int(st.Size()), syscall.PROT_READ, syscall.MAP_PRIVATE)
	return f.b, err
}

func (f *mapFile) Close() error {
	if f.b != nil {
		if err := syscall.Munmap(f.b); err != nil {
			return err
		}
		f.b = nil
	}
	return f.File.Close()
}

func liveKernel(tb testing.TB) *Kernel {
	tb.Helper()
	testutil.Require(tb, "5.4", "CONFIG_DEBUG_INFO_BTF")
	k := NewKernel(mapFS{os.DirFS("/")})
	tb.Cleanup(func() { k.Close() })
	return k
}

// traced are the names a tracing tool uses, and some that no kernel has.
func traced() []Query {
	return []Query{
		{"task_struct", KindStruct}, {"sock", KindStruct}, {"sock_common", KindStruct},
		{"inet_sock", KindStruct}, {"tcp_sock", KindStruct}, {"sk_buff", KindStruct},
		{"request", KindStruct}, {"gendisk", KindStruct}, {"file", KindStruct},
		{"inode", KindStruct}, {"dentry", KindStruct}, {"qstr", KindStruct},
		{"nsproxy", KindStruct}, {"pid", KindStruct}, {"upid", KindStruct},
		{"cgroup", KindStruct}, {"kernfs_node", KindStruct}, {"mm_struct", KindStruct},
		{"btf_trace_sched_switch", KindTypedef}, {"btf_trace_block_rq_issue", KindTypedef},
		{"tcp_v4_connect", KindFunc}, {"pid_type", KindEnum},
		{"no_such_struct", KindStruct}, {"task_struct_x", KindStruct}, {"btf_trace_none", KindTypedef},
		{"tcp_v9_connect", KindFunc}, {"absent_enum", KindEnum},
	}
}

func TestKernelFindCold(t *testing.T) {
	k := liveKernel(t)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	start := time.Now()
	if err := k.Find(traced()...); err != nil {
		t.Fatal(err)
	}
	took := time.Since(start)
	runtime.ReadMemStats(&after)
	t.Logf("open and find %d names: %v, %d bytes allocated", len(traced()), took, after.TotalAlloc-before.TotalAlloc)
	for _, q := range traced()[:22] {
		mod, typ, err := k.FindType(q.Name, q.Kind)
		if err != nil || mod != "vmlinux" || typ.Name() != q.Name || typ.Kind() != q.Kind {
			t.Errorf("%s: got %s %v, %v", q.Name, mod, typ, err)
		}
	}
	limit := uint64(600 << 10)
	if !testutil.KernelAtLeast(t, "6.16") { // others have their types read
		st, err := os.Stat("/sys/kernel/btf/vmlinux")
		if err != nil {
			t.Fatal(err)
		}
		limit += uint64(st.Size())
	}
	if n := after.TotalAlloc - before.TotalAlloc; n > limit {
		t.Errorf("%d bytes allocated, want at most %d", n, limit)
	}
}
