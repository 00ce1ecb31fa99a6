package compat

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"testing"
	"unsafe"

	"github.com/skepbpf/skep"
	"github.com/skepbpf/skep/asm"
	"github.com/skepbpf/skep/elf"
	"github.com/skepbpf/skep/internal/sys"
	"github.com/skepbpf/skep/internal/testutil"
	"github.com/skepbpf/skep/maps"
)

// recorder stands before the kernel and keeps the last PROG_LOAD of a program.
type recorder struct {
	program string // as the kernel gets it: at most 15 bytes
	maps    map[uint32]string
	last    *image
}

// record installs a recorder until the test ends.
func record(t *testing.T) *recorder {
	t.Setenv("SKEP_COMPAT_SEAM", t.Name()) // panics in a parallel test: the seam is the process's
	r := &recorder{}
	before := sys.InstallSeam(&sys.Seam{BPF: r.bpf})
	t.Cleanup(func() { sys.InstallSeam(before) })
	return r
}

// load runs f, which loads program, and returns what PROG_LOAD was given last.
func (r *recorder) load(program string, f func() error) (*image, error) {
	r.program, r.maps, r.last = program[:min(len(program), 15)], map[uint32]string{}, nil
	err := f()
	return r.last, err
}

func (r *recorder) bpf(cmd sys.Cmd, attr unsafe.Pointer, size uintptr, common *sys.CommonAttr) (uintptr, sys.Errno) {
	if cmd == sys.BPF_PROG_LOAD {
		a := (*sys.ProgLoadAttr)(attr)
		if sys.NameString(a.ProgName[:]) == r.program {
			r.last = r.image(a)
		}
	}
	fd, errno := sys.DirectBPF(cmd, attr, size, common)
	if cmd == sys.BPF_MAP_CREATE && errno == 0 {
		a := (*sys.MapCreateAttr)(attr)
		r.maps[uint32(fd)] = mapName(sys.NameString(a.MapName[:]))
	}
	return fd, errno
}

// image copies what a PROG_LOAD refers to.
func (r *recorder) image(a *sys.ProgLoadAttr) *image {
	im := &image{
		Type: uint32(a.ProgType), Attach: uint32(a.ExpectedAttachType), Flags: a.ProgFlags, AttachBTF: a.AttachBtfId,
		Lines: a.LineInfoCnt, Refs: map[int]string{},
	}
	im.Insns = append(im.Insns, unsafe.Slice((*byte)(a.Insns.Raw()), int(a.InsnCnt)*8)...)
	if !a.License.IsNull() {
		for p := (*byte)(a.License.Raw()); *p != 0; p = (*byte)(unsafe.Add(unsafe.Pointer(p), 1)) {
			im.License += string(rune(*p))
		}
	}
	for i := range a.FuncInfoCnt {
		im.Funcs = append(im.Funcs, *(*uint32)(unsafe.Add(a.FuncInfo.Raw(), i*a.FuncInfoRecSize)))
	}
	c := code{image: im}
	for i := 0; i < c.slots(); i++ {
		if im.Insns[i*8] != opWide {
			continue
		}
		if src := c.src(i); src == 1 || src == 2 { // BPF_PSEUDO_MAP_FD, BPF_PSEUDO_MAP_VALUE
			im.Refs[i] = "?" // as the oracle calls a map that is not the object's
			if name, ok := r.maps[uint32(c.imm(i))]; ok {
				im.Refs[i] = name
			}
			copy(im.Insns[i*8+4:], []byte{0, 0, 0, 0})
		}
		i++
	}
	return im
}

// autosize gives maps that their own tool sizes at run time a workable size.
func autosize(s *skep.Spec) {
	for _, m := range s.Maps {
		if m.Type == maps.StackTrace && m.ValueSize == 0 {
			m.ValueSize = 127 * 8
		}
		m.Pinning = 0
		if m.MaxEntries != 0 {
			continue
		}
		switch m.Type {
		case maps.PerfEventArray, maps.SkStorage, maps.InodeStorage, maps.TaskStorage, maps.CgrpStorage:
		case maps.RingBuf, maps.UserRingBuf:
			m.MaxEntries = 64 << 10
		case maps.Arena:
			m.MaxEntries = 16
		case maps.CPUMap:
			m.MaxEntries = uint32(runtime.NumCPU())
		default:
			m.MaxEntries = 1024
		}
	}
}

// single is a Spec of which only one program is on.
func single(o object, program string) (*skep.Spec, error) {
	s, err := skep.Read(o.data)
	if err != nil {
		return nil, err
	}
	s.Name = o.name
	autosize(s)
	return s, s.Only(program)
}

// alone lists the Specs to try for one program of a parsed object. Struct_ops
// maps are off, but for the one that names it, whose other programs are on
// then: it is what libbpf can do. There is a Spec for each such map.
func alone(parsed *elf.Object, name, program string) ([]*skep.Spec, error) {
	var users []*elf.MapDef
	for _, m := range parsed.Maps {
		if m.Kind == elf.MapStructOps && slices.Contains(operations(m), program) {
			users = append(users, m)
		}
	}
	if len(users) == 0 {
		users = []*elf.MapDef{nil}
	}
	var list []*skep.Spec
	for _, user := range users {
		s, err := skep.NewSpec(parsed)
		if err != nil {
			return nil, err
		}
		s.Name = name
		autosize(s)
		on := []string{program}
		if user != nil {
			on = operations(user)
		}
		if err := s.Only(on...); err != nil {
			return nil, err
		}
		for _, m := range parsed.Maps {
			if m.Kind == elf.MapStructOps {
				s.Maps[m.Name].Off = m != user
			}
		}
		list = append(list, s)
	}
	return list, nil
}

// operations are the programs that a struct_ops map names.
func operations(m *elf.MapDef) []string {
	var list []string
	for _, s := range m.Slots {
		if s.Kind == elf.SlotFunc {
			list = append(list, s.Name)
		}
	}
	return list
}

// loadAndClose loads s and unloads it.
func loadAndClose(s *skep.Spec) error {
	coll, err := skep.Load(s, &skep.Options{Parallel: 1})
	if err != nil {
		return err
	}
	return coll.Close()
}

// runSkep loads every program of every object alone with skep.
func runSkep(t *testing.T, objects []object) map[key]verdict {
	r := record(t)
	all := map[key]verdict{}
	for _, o := range objects {
		verdicts, err := r.object(o, nil)
		if err != nil {
			t.Errorf("%s: does not parse: %v", o.name, err)
			all[key{o.name, ""}] = verdict{Error: err.Error()}
		}
		for program, v := range verdicts {
			all[key{o.name, program}] = v
		}
	}
	return all
}

// object loads every program of o alone, but those that skip is true for.
func (r *recorder) object(o object, skip func(program string) bool) (map[string]verdict, error) {
	parsed, err := elf.Parse(o.data)
	if err != nil {
		return nil, err
	}
	all := map[string]verdict{}
	for _, p := range parsed.Progs {
		if skip != nil && skip(p.Name) {
			all[p.Name] = verdict{Section: p.SEC, Step: "unasked"}
			continue
		}
		var v verdict
		specs, err := alone(parsed, o.name, p.Name)
		if err != nil {
			v = newVerdict(err, nil)
		}
		for _, s := range specs {
			if im, err := r.load(p.Symbol, func() error { return guarded(s, p.Name) }); !v.OK && (v.Image == nil || err == nil) {
				v = newVerdict(err, im)
			}
		}
		v.Section = p.SEC
		all[p.Name] = v
	}
	return all, nil
}

// guarded loads s and unloads it. A panic is an error: the rest of an exam is
// still wanted. So is a collection without the program, whatever the reason.
func guarded(s *skep.Spec, program string) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	coll, err := skep.Load(s, &skep.Options{Parallel: 1})
	if err != nil {
		return err
	}
	if coll.Programs[program] == nil {
		err = fmt.Errorf("left out: %w", coll.Report().Programs[program].Why)
	}
	return errors.Join(err, coll.Close())
}

func newVerdict(err error, im *image) verdict {
	v := verdict{OK: err == nil, Image: im}
	if err != nil {
		v.Error = err.Error()
		var step *skep.StepError
		switch {
		case errors.As(err, &v.Errno):
		case errors.As(err, &step):
			v.Step = step.Step
		default:
			v.Step = "left-out"
		}
	}
	return v
}

// nop is `goto +0`, which needs no register and changes nothing.
var nop = asm.Instruction{Op: 0x05}

// padded inserts a no-op before every instruction.
func padded(ins asm.Instructions) (asm.Instructions, error) {
	e := asm.NewEditor(ins)
	for i := range ins {
		e.Insert(i, nop)
	}
	return e.Apply()
}

// pad does that to everything the spec's programs may run.
func pad(s *skep.Spec) error {
	for name, f := range s.Funcs {
		ins, err := padded(f.Insns)
		if err != nil {
			return fmt.Errorf("func %s: %w", name, err)
		}
		f.Insns = ins
	}
	for name, p := range s.Programs {
		ins, err := padded(p.Insns)
		if err != nil {
			return fmt.Errorf("program %s: %w", name, err)
		}
		p.Insns = ins
	}
	return nil
}

// TestNops inserts a no-op before each instruction of every program that
// loads, and loads it again: jumps, calls and CO-RE records must have kept
// their meaning, and line records their order.
func TestNops(t *testing.T) {
	testutil.NeedRoot(t)
	objects := append(ownObjects(t), toolObjects(t, t.TempDir())...)
	n := 0
	for _, o := range objects {
		spec, err := skep.Read(o.data)
		if err != nil {
			t.Errorf("%s: %v", o.name, err)
			continue
		}
		for name := range spec.Programs {
			plain, err := single(o, name)
			if err != nil {
				t.Fatal(err)
			}
			if loadAndClose(plain.Copy()) != nil {
				continue // TestPrograms has an opinion on it
			}
			if err := pad(plain); err != nil {
				t.Errorf("%s: %v", o.name, err)
				continue
			}
			if err := loadAndClose(plain); err != nil {
				t.Errorf("%s: %s does not load with no-ops: %v", o.name, name, err)
			}
			n++
		}
	}
	t.Logf("%d programs", n)
	if n == 0 {
		t.Error("no program loads")
	}
}
