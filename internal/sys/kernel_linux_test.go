package sys

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/skepbpf/skep/internal/testutil"
)

// insn is one instruction in native order.
func insn(op, dst, src byte, off int16, imm int32) []byte {
	regs := src<<4 | dst
	if binary.NativeEndian.Uint16([]byte{0, 1}) == 1 {
		regs = dst<<4 | src
	}
	b := binary.NativeEndian.AppendUint16([]byte{op, regs}, uint16(off))
	return binary.NativeEndian.AppendUint32(b, uint32(imm))
}

// program is "return ret", preceded by pad jumps that the verifier walks.
func program(pad int, ret int32) []byte {
	var b []byte
	for range pad {
		b = append(b, insn(BPF_ALU64|BPF_MOV|BPF_K, 1, 0, 0, 1)...)
	}
	b = append(b, insn(BPF_ALU64|BPF_MOV|BPF_K, 0, 0, 0, ret)...)
	return append(b, insn(BPF_JMP|BPF_EXIT, 0, 0, 0, 0)...)
}

func loadProgram(t testing.TB, typ ProgType, insns []byte) *FD {
	t.Helper()
	needKernel(t)
	attr := &ProgLoadAttr{
		ProgType: typ, InsnCnt: uint32(len(insns) / 8), Insns: BytesPtr(insns),
		License: StringPtr("GPL"), ProgName: ObjName("sys_test"),
	}
	fd, err := ProgLoad(attr)
	if errors.Is(err, EPERM) { // before Linux 5.11 the memlock limit, also of programs just closed
		if SetMemlock(^uint64(0), ^uint64(0)) == nil {
			fd, err = ProgLoad(attr)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { fd.Close() })
	return fd
}

func number(t testing.TB, fd *FD) uint32 {
	t.Helper()
	raw, err := fd.Borrow()
	if err != nil {
		t.Fatal(err)
	}
	fd.Release()
	return uint32(raw)
}

func TestInfo(t *testing.T) {
	var m MapInfo
	if err := ObjGetInfoByFD(int(number(t, testMap(t))), &m); err != nil {
		t.Fatal(err)
	}
	if m.Type != BPF_MAP_TYPE_HASH || m.KeySize != 4 || m.ValueSize != 8 || m.MaxEntries != 16 || NameString(m.Name[:]) != "sys_test" || m.Id == 0 {
		t.Errorf("map info %+v", m)
	}
	var p ProgInfo
	if err := ObjGetInfoByFD(int(number(t, loadProgram(t, BPF_PROG_TYPE_SOCKET_FILTER, program(0, 7)))), &p); err != nil {
		t.Fatal(err)
	}
	if p.Type != BPF_PROG_TYPE_SOCKET_FILTER || p.XlatedProgLen != 16 || p.GplCompatible == 0 || NameString(p.Name[:]) != "sys_test" {
		t.Errorf("program info %+v", p)
	}
	fd, err := ProgGetFDByID(&GetIDAttr{StartId: p.Id})
	if err != nil {
		t.Fatal(err)
	}
	fd.Close()
	if _, err := ProgGetFDByID(&GetIDAttr{StartId: 1 << 30}); !errors.Is(err, ENOENT) {
		t.Errorf("absent id: %v", err)
	}
}

func TestTestRun(t *testing.T) {
	p := loadProgram(t, BPF_PROG_TYPE_XDP, program(0, 2))
	data, out := make([]byte, 64), make([]byte, 64)
	data[63] = 9
	attr := ProgTestRunAttr{
		ProgFd: number(t, p), DataIn: BytesPtr(data), DataSizeIn: 64,
		DataOut: BytesPtr(out), DataSizeOut: 64, Repeat: 3,
	}
	if err := ProgTestRun(&attr); err != nil {
		t.Fatal(err)
	}
	if attr.Retval != 2 || attr.DataSizeOut != 64 || !bytes.Equal(data, out) {
		t.Errorf("retval %d, %d bytes", attr.Retval, attr.DataSizeOut)
	}
}

func TestRejectionGivesTheLog(t *testing.T) {
	needKernel(t)
	bad := insn(BPF_JMP|BPF_EXIT, 0, 0, 0, 0)
	log := make([]byte, 4096)
	attr := ProgLoadAttr{
		ProgType: BPF_PROG_TYPE_SOCKET_FILTER, InsnCnt: 1, Insns: BytesPtr(bad), License: StringPtr("GPL"),
		LogLevel: 1, LogBuf: BytesPtr(log), LogSize: uint32(len(log)),
	}
	fd, err := ProgLoad(&attr)
	fd.Close()
	if !errors.Is(err, EACCES) || !strings.Contains(NameString(log), "R0 !read_ok") {
		t.Errorf("error %v, log %q", err, NameString(log))
	}
}

// A verification that takes longer than the time between two SIGPROF ends all
// the same. The test sends them itself: where the kernel expires CPU timers in
// task work (Linux 5.10, x86 and arm64) those of a real profile come late.
func TestLoadUnderProfiling(t *testing.T) {
	n := 200000
	if testutil.InGuest() {
		n = 10000 // takes an emulated processor longer than the signals leave it, too
	}
	insns := program(n, 0)
	loadProgram(t, BPF_PROG_TYPE_SOCKET_FILTER, program(0, 0))
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	tid := unix.Gettid()
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-stop:
				return
			case <-time.After(time.Millisecond):
				unix.Tgkill(os.Getpid(), tid, unix.SIGPROF)
			}
		}
	}()
	defer func() {
		close(stop)
		<-done
	}()
	for range 5 {
		loadProgram(t, BPF_PROG_TYPE_SOCKET_FILTER, insns).Close()
	}
}

func TestPerfEventAndLink(t *testing.T) {
	needKernel(t)
	attr := PerfEventAttr{Type: PERF_TYPE_SOFTWARE, Config: PERF_COUNT_SW_CPU_CLOCK, SamplePeriod: 1e6, Bits: PerfBitDisabled.Mask() | PerfBitExcludeHv.Mask()}
	ev, err := PerfEventOpen(&attr, 0, -1, -1, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer ev.Close()
	p := loadProgram(t, BPF_PROG_TYPE_PERF_EVENT, program(0, 0))
	raw := int(number(t, ev))
	if id, err := PerfID(raw); err != nil || id == 0 {
		t.Errorf("id %d, %v", id, err)
	}
	link, err := LinkCreate(&LinkCreatePerfEventAttr{ProgFd: number(t, p), TargetFd: uint32(raw), AttachType: BPF_PERF_EVENT, BpfCookie: 5})
	if !testutil.KernelAtLeast(t, "5.15") {
		if !errors.Is(err, EINVAL) {
			t.Errorf("link on a kernel without: %v", err)
		}
	} else if err != nil {
		t.Fatal(err)
	} else {
		var info LinkInfoPerfEvent
		if err := ObjGetInfoByFD(int(number(t, link)), &info); err != nil || info.Type != BPF_LINK_TYPE_PERF_EVENT {
			t.Errorf("link info %+v, %v", info, err)
		}
		link.Close()
	}
	if err := PerfSetBPF(raw, int(number(t, p))); err != nil {
		t.Fatal(err)
	}
	if err := PerfEnable(raw); err != nil {
		t.Error(err)
	}
	if err := PerfDisable(raw); err != nil {
		t.Error(err)
	}
}

func TestPinRoundTrip(t *testing.T) {
	dir := t.TempDir()
	needKernel(t)
	if err := Mount("bpf", dir, "bpf", ""); err != nil {
		t.Fatal(err)
	}
	defer Unmount(dir)
	if magic, err := StatfsMagic(dir); err != nil || magic != BPF_FS_MAGIC {
		t.Errorf("magic %#x, %v", magic, err)
	}
	m := testMap(t)
	if err := update(m, 1, 42); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "m")
	if err := ObjPin(&ObjAttr{Pathname: StringPtr(path), BpfFd: number(t, m)}); err != nil {
		t.Fatal(err)
	}
	again, err := ObjGet(&ObjAttr{Pathname: StringPtr(path)})
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	key, value := uint32(1), uint64(0)
	if err := lookup(again, &key, &value); err != nil || value != 42 {
		t.Errorf("value %d, %v", value, err)
	}
}

func TestBatchLookup(t *testing.T) {
	m := testMap(t)
	for i := range uint32(10) {
		if err := update(m, i, uint64(i)*3); err != nil {
			t.Fatal(err)
		}
	}
	keys, values := make([]uint32, 16), make([]uint64, 16)
	var cursor uint32
	attr := MapBatchAttr{OutBatch: PtrTo(&cursor), Keys: SlicePtr(keys), Values: SlicePtr(values), Count: 16, MapFd: number(t, m)}
	testutil.Require(t, "5.6")
	err := MapLookupBatch(&attr)
	if !errors.Is(err, ENOENT) || attr.Count != 10 {
		t.Fatalf("%d elements, %v", attr.Count, err)
	}
	for i, k := range keys[:10] {
		if values[i] != uint64(k)*3 {
			t.Errorf("key %d: %d", k, values[i])
		}
	}
}

func TestDetachedTracefs(t *testing.T) {
	needKernel(t)
	root, err := OpenDetached("tracefs")
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	raw := int(number(t, root))
	text, err := ReadFileAt(raw, "events/sched/sched_process_exec/id", 64)
	if err != nil || len(bytes.TrimSpace(text)) == 0 {
		t.Errorf("id %q, %v", text, err)
	}
	names, err := ReadDirAt(raw, "events/sched")
	if err != nil || !slices.Contains(names, "sched_process_exec") || slices.Contains(names, "..") {
		t.Errorf("%d names, %v", len(names), err)
	}
	if _, err := ReadFileAt(raw, "absent", 1); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("absent file: %v", err)
	}
}

func TestFileMap(t *testing.T) {
	want := bytes.Repeat([]byte("skep"), 3000)
	path := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(path, want, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := OpenFile(path)
	if err != nil {
		t.Fatal(err)
	}
	m, err := f.Map()
	f.Close()
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(m.Bytes(), want) {
		t.Error("contents differ")
	}
	for range 2 {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	}
	proc, err := OpenFile("/proc/filesystems")
	if err != nil {
		t.Fatal(err)
	}
	defer proc.Close()
	if _, err := proc.Map(); !errors.Is(err, EINVAL) {
		t.Errorf("file without a size: %v", err)
	}
}

func TestMmapAt(t *testing.T) {
	page := os.Getpagesize()
	hole, err := Mmap(nil, 0, 4*page, PROT_NONE, MAP_PRIVATE|MAP_ANONYMOUS)
	if err != nil {
		t.Fatal(err)
	}
	defer hole.Close()
	want := uintptr(unsafe.Pointer(&hole.Bytes()[page]))
	m, err := MmapAt(want, nil, 0, page, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS|MAP_FIXED)
	if err != nil {
		t.Fatal(err)
	}
	if got := uintptr(unsafe.Pointer(&m.Bytes()[0])); got != want {
		t.Errorf("mapped at %#x, want %#x", got, want)
	}
	m.Bytes()[page-1] = 1
	if _, err := Mmap(nil, 0, 0, PROT_READ, MAP_PRIVATE|MAP_ANONYMOUS); !errors.Is(err, EINVAL) {
		t.Errorf("length 0: %v", err)
	}
}

func TestNetlinkRoute(t *testing.T) {
	// RTM_GETLINK (18) as a dump: header and struct ifinfomsg.
	req := make([]byte, 32)
	order := binary.NativeEndian
	order.PutUint32(req, 32)
	order.PutUint16(req[4:], 18)
	order.PutUint16(req[6:], 1|0x300)
	order.PutUint32(req[8:], 77)
	list, err := NetlinkRoute(req)
	if err != nil || len(list) == 0 || !bytes.Contains(bytes.Join(list, nil), []byte("lo\x00")) {
		t.Errorf("%d links, %v", len(list), err)
	}
	// A request that fails gives its NLMSG_ERROR.
	order.PutUint16(req[6:], 1|4)
	order.PutUint32(req[20:], 1<<30)
	list, err = NetlinkRoute(req)
	if err != nil || len(list) != 1 || order.Uint16(list[0][4:]) != nlmsgError || int32(order.Uint32(list[0][16:])) != -int32(ENODEV) {
		t.Errorf("absent interface: %x, %v", list, err)
	}
	if _, err := NetlinkRoute(req[:8]); !errors.Is(err, EINVAL) {
		t.Errorf("short request: %v", err)
	}
	order.PutUint16(req[6:], 1)
	if _, err := NetlinkRoute(req); !errors.Is(err, EINVAL) {
		t.Errorf("request without an end: %v", err)
	}
}

func TestNetlinkAnswerIsBounded(t *testing.T) {
	for _, n := range []uint32{0, 15, 17, 1 << 31} {
		b := make([]byte, 16)
		binary.NativeEndian.PutUint32(b, n)
		if err := (&netlinkAnswer{}).add(b); !errors.Is(err, EPROTO) {
			t.Errorf("length %d: %v", n, err)
		}
	}
}

func TestProcessFacts(t *testing.T) {
	release, _, machine, err := Uname()
	if err != nil || !strings.Contains(release, ".") || machine == "" {
		t.Errorf("uname %q %q, %v", release, machine, err)
	}
	soft, hard, err := Memlock()
	if err != nil || soft > hard {
		t.Errorf("memlock %d, %d, %v", soft, hard, err)
	}
	if err := SetMemlock(soft, hard); err != nil {
		t.Error(err)
	}
	if caps, err := Capabilities(); err != nil || os.Geteuid() == 0 && caps == 0 {
		t.Errorf("capabilities %#x, %v", caps, err)
	}
}

func TestEpoll(t *testing.T) {
	ep, err := EpollCreate()
	if err != nil {
		t.Fatal(err)
	}
	defer ep.Close()
	ev, err := Eventfd()
	if err != nil {
		t.Fatal(err)
	}
	defer ev.Close()
	e, v := int(number(t, ep)), int(number(t, ev))
	if err := EpollAdd(e, v, EPOLLIN, 9); err != nil {
		t.Fatal(err)
	}
	got := make([]EpollEvent, 4)
	if n, err := EpollWait(e, got, 0); n != 0 || err != nil {
		t.Errorf("%d events, %v", n, err)
	}
	if _, err := Write(v, binary.NativeEndian.AppendUint64(nil, 1)); err != nil {
		t.Fatal(err)
	}
	if n, err := EpollWait(e, got, 1000); n != 1 || err != nil || got[0].Key != 9 || got[0].Events&EPOLLIN == 0 {
		t.Errorf("%d events %v, %v", n, got, err)
	}
	if err := EpollDelete(e, v); err != nil {
		t.Error(err)
	}
}

// The kernel reads what the attribute points at only during the call; garbage
// made meanwhile must not disturb it.
func TestPointersSurviveCollection(t *testing.T) {
	m := testMap(t)
	raw := number(t, m)
	stop := make(chan struct{})
	done := make(chan struct{})
	var collections atomic.Uint32
	go func() {
		defer close(done)
		for {
			select {
			case <-stop:
				return
			default:
				runtime.GC()
				collections.Add(1)
			}
		}
	}()
	// A collection stops the world: on an emulated machine, 2000 calls beside
	// them took a minute.
	for i := uint64(0); i < 200 || collections.Load() < 20; i++ {
		value := i
		attr := MapElemAttr{MapFd: raw, Key: BytesPtr(make([]byte, 4)), Value: SlicePtr(unsafe.Slice(&value, 1))}
		if err := MapUpdateElem(&attr); err != nil {
			t.Fatal(err)
		}
		key, got := uint32(0), uint64(0)
		if err := lookup(m, &key, &got); err != nil || got != i {
			t.Fatalf("wrote %d, read %d, %v", i, got, err)
		}
	}
	close(stop)
	<-done
}
