package btf

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/skepbpf/skep/internal/testutil"
)

// Made-up modules, each of which has what its row says and types of its own.
var sharedModules = []struct {
	name    string
	differs uint32 // bit offset of the field of a struct that all have
}{
	{"skep_alpha", 32}, {"skep_beta", 64}, {"skep_gamma", 32}, {"skep_delta", 32}, {"skep_epsilon", 96},
}

// sharedFS has the running kernel's types, those of its modules, and made-up
// modules on top, one of them broken. What is read of it is overwritten when it
// is closed, so that the race detector sees who reads too long.
func sharedFS(t *testing.T) (mapped, []string) {
	t.Helper()
	files := fstest.MapFS{}
	var modules []string
	list, err := os.ReadDir("/sys/kernel/btf")
	if err != nil {
		t.Fatal(err)
	}
	for i, e := range list {
		if e.Name() != "vmlinux" && i >= 4 { // so many modules are enough
			continue
		}
		name := "sys/kernel/btf/" + e.Name()
		b, err := os.ReadFile("/" + name)
		if err != nil {
			t.Fatal(err)
		}
		files[name] = &fstest.MapFile{Data: b}
		if e.Name() != "vmlinux" {
			modules = append(modules, e.Name())
		}
	}
	k := NewKernel(files)
	vm, err := k.Vmlinux()
	if err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	number, _ := vm.ByName("int", KindInt)
	for _, m := range sharedModules {
		b := NewBuilder(&BuilderOptions{Base: vm})
		own := b.AddStruct(m.name+"_own", 16, []Member{{Name: "first", Type: number.ID()}, {Name: "second", Type: number.ID(), Offset: m.differs}})
		b.AddStruct("skep_alike", 8, []Member{{Name: "field", Type: number.ID(), Offset: 32}})
		b.AddStruct("skep_differs", 16, []Member{{Name: "field", Type: number.ID(), Offset: m.differs}})
		proto := b.AddFuncProto(number.ID(), []Param{{"own", b.AddPtr(own)}})
		b.AddFunc(m.name+"_fn", proto, LinkageStatic)
		for i := range 500 {
			b.AddStruct(fmt.Sprintf("%s_%d", m.name, i), 4, []Member{{Name: "n", Type: number.ID()}})
		}
		raw, err := b.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		files["sys/kernel/btf/"+m.name] = &fstest.MapFile{Data: raw}
		modules = append(modules, m.name)
	}
	files["sys/kernel/btf/skep_broken"] = &fstest.MapFile{Data: []byte("not BTF")}
	return mapped{files}, modules
}

// sharedLocal has local types that look for fields of the kernel's and of the
// modules', and the relocations that do.
func sharedLocal(t *testing.T, fsys mapped) (*Spec, []CORERelo) {
	t.Helper()
	k := NewKernel(fsys)
	defer k.Close()
	b := NewBuilder(nil)
	number := b.AddInt("int", 4, IntSigned)
	var relos []CORERelo
	add := func(name string, fields []string) {
		var members []Member
		for i, f := range fields {
			members = append(members, Member{Name: f, Type: number, Offset: uint32(i) * 32})
		}
		id := b.AddStruct(name, uint32(len(fields))*4, members)
		for _, kind := range []COREKind{CORETypeExists, CORETypeSize, CORETypeIDTarget, CORETypeMatches} {
			relos = append(relos, CORERelo{kind, id, "0"})
		}
		for i := range fields {
			for _, kind := range []COREKind{COREFieldByteOffset, COREFieldExists, COREFieldByteSize} {
				relos = append(relos, CORERelo{kind, id, fmt.Sprintf("0:%d", i)})
			}
		}
	}
	for _, q := range append(traced()[:10], Query{"no_such_struct", KindStruct}) {
		fields := []string{"no_such_field"}
		if _, typ, err := k.FindType(q.Name, KindStruct); err == nil {
			for i := 0; i < typ.Vlen() && len(fields) < 25; i++ {
				if m := typ.Member(i); m.Name != "" && m.BitSize == 0 {
					fields = append(fields, m.Name)
				}
			}
		}
		add(q.Name+"___mine", fields)
	}
	for _, m := range sharedModules {
		add(m.name+"_own", []string{"first", "second", "third"})
	}
	add("skep_alike", []string{"field"})
	relos = append(relos, CORERelo{COREFieldByteOffset, b.AddStruct("skep_differs", 4, []Member{{Name: "field", Type: number}}), "0:0"})
	s, err := b.Spec()
	if err != nil {
		t.Fatal(err)
	}
	return s, relos
}

// shared is what the jobs need besides a kernel.
type shared struct {
	modules []string
	local   *Spec
	relos   []CORERelo
}

// sharedJobs are what many do at the same time with one kernel. An answer is a
// text. The Relocator is shared, too.
var sharedJobs = []struct {
	name string
	do   func(x *shared, k *Kernel, r *Relocator) (string, error)
}{
	{"decode all", (*shared).decodeAll},
	{"decode where it lies", (*shared).decodeSome},
	{"find", (*shared).find},
	{"find ahead", (*shared).findAhead},
	{"attach targets", (*shared).targets},
	{"all of a name", (*shared).allByName},
	{"relocate, shared", func(x *shared, _ *Kernel, r *Relocator) (string, error) { return x.resolve(r, 0, 1) }},
	{"relocate backwards, shared", func(x *shared, _ *Kernel, r *Relocator) (string, error) { return x.resolve(r, 0, len(x.relos)-1) }},
	{"relocate, own", func(x *shared, k *Kernel, _ *Relocator) (string, error) {
		return x.resolve(NewRelocator(x.local, k), 1, 1)
	}},
	{"relocate, prepared", func(x *shared, k *Kernel, _ *Relocator) (string, error) {
		return x.prepared(NewRelocator(x.local, k))
	}},
	{"relocate to blobs", func(x *shared, k *Kernel, _ *Relocator) (string, error) {
		list, err := x.specs(k)
		if err != nil {
			return "", err
		}
		return x.prepared(NewRelocatorFor(x.local, list...))
	}},
}

func (x *shared) specs(k *Kernel) (list []*Spec, err error) {
	for _, name := range append([]string{"vmlinux"}, x.modules...) {
		s, err := k.Module(name)
		if err != nil {
			return nil, err
		}
		list = append(list, s)
	}
	return list, nil
}

func (x *shared) decodeAll(k *Kernel, _ *Relocator) (string, error) {
	list, err := x.specs(k)
	var text strings.Builder
	for _, s := range list {
		fmt.Fprintf(&text, "%d types: %#x\n", s.Len(), visit(s))
	}
	return text.String(), err
}

func (x *shared) decodeSome(k *Kernel, _ *Relocator) (string, error) {
	list, err := x.specs(k)
	var sum visitSum
	for _, s := range list {
		first := ID(1)
		if s.Base() != nil {
			first = ID(s.Base().Len()) - 100
		}
		for id := first; int(id) < s.Len(); id += 17 {
			decode(s, id, &sum)
		}
	}
	return fmt.Sprintf("%#x", sum), err
}

func (x *shared) find(k *Kernel, _ *Relocator) (string, error) {
	names := append(traced(), Query{"skep_alike", KindStruct}, Query{"skep_differs", KindVoid})
	for _, m := range x.modules {
		names = append(names, Query{m + "_own", KindStruct}, Query{m + "_fn", KindFunc}, Query{m + "_499", KindStruct})
	}
	return findEach(k, names)
}

func (x *shared) findAhead(k *Kernel, _ *Relocator) (string, error) {
	names := []Query{{"tty_struct", KindStruct}, {"vfs_read", KindFunc}, {"skep_alpha_7", KindStruct}, {"nobody", KindUnion}}
	if err := k.Find(names...); err != nil {
		return "", err
	}
	return findEach(k, names)
}

func findEach(k *Kernel, names []Query) (string, error) {
	var text strings.Builder
	for _, q := range names {
		mod, typ, err := k.FindType(q.Name, q.Kind)
		if err != nil && !errors.Is(err, ErrNotFound) {
			return "", err
		}
		fmt.Fprintf(&text, "%s [%d] %s %d, %v\n", mod, typ.ID(), typ.Name(), typ.Size(), err)
	}
	return text.String(), nil
}

func (x *shared) targets(k *Kernel, _ *Relocator) (string, error) {
	text := ""
	for _, name := range []string{"vfs_read", "skep_beta:skep_beta_fn", "skep_gamma_fn", "skep_gamma:skep_beta_fn"} {
		list, err := k.Targets("", name)
		if err != nil && !errors.Is(err, ErrNotFound) {
			return "", err
		}
		for _, p := range list {
			text += fmt.Sprintf("%s [%d]\n", p.Module, p.Type.ID())
		}
		text += fmt.Sprintln(err)
	}
	return text, nil
}

func (x *shared) allByName(k *Kernel, _ *Relocator) (string, error) {
	s, err := k.Module("skep_delta")
	if err != nil {
		return "", err
	}
	text := ""
	for _, name := range []string{"skep_alike", "int"} {
		for typ := range s.AllByName(name, KindVoid) {
			text += fmt.Sprintf("[%d] %d ", typ.ID(), typ.Size())
		}
	}
	return text, nil
}

func (x *shared) prepared(r *Relocator) (string, error) {
	list := make([]*CORERelo, len(x.relos))
	for i := range x.relos {
		list[i] = &x.relos[i]
	}
	if err := r.Prepare(list); err != nil {
		return "", err
	}
	return x.resolve(r, 2, 1)
}

// resolve asks for the relocations from one on, in some order.
func (x *shared) resolve(r *Relocator, from, step int) (string, error) {
	lines := make([]string, len(x.relos))
	for n := range lines {
		i := (from + n*step) % len(lines)
		fix, err := r.Resolve(&x.relos[i])
		if errors.Is(err, ErrClosed) {
			return "", err
		}
		lines[i] = fmt.Sprintf("%s: %+v, %v", x.relos[i].Describe(x.local), fix, err)
	}
	return strings.Join(lines, "\n"), nil
}

// decode reads all that a type has, through the handle.
func decode(s *Spec, id ID, sum *visitSum) {
	typ, _ := s.Type(id)
	sum.add(uint64(typ.Kind()) + mixName(typ.Name()) + uint64(typ.Size()) + uint64(typ.Target()))
	for i := range typ.Vlen() {
		switch typ.Kind() {
		case KindStruct, KindUnion:
			m := typ.Member(i)
			sum.member(m.Name, m.Type, m.Offset+m.BitSize)
		case KindFuncProto:
			p := typ.Param(i)
			sum.member(p.Name, p.Type, 0)
		case KindEnum, KindEnum64:
			v := typ.EnumValue(i)
			sum.add(mixName(v.Name) + v.Value)
		case KindDatasec:
			v := typ.SecVar(i)
			sum.member("", v.Type, v.Offset+v.Size)
		}
	}
	if stripped, ok := s.Strip(id); ok && typ.Kind() != KindFunc {
		size, _ := s.Sizeof(stripped.ID())
		sum.add(uint64(size) + mixName(s.Declare(id, "x")))
	}
}

// TestSharedKernel: 8 goroutines decode, search and relocate over one kernel with
// modules, which is opened by whoever comes first, and get what one alone does.
// Then it is closed under them.
func TestSharedKernel(t *testing.T) {
	testutil.Require(t, "5.4", "CONFIG_DEBUG_INFO_BTF")
	fsys, modules := sharedFS(t)
	x := &shared{modules: modules}
	x.local, x.relos = sharedLocal(t, fsys)
	t.Logf("%d modules, %d relocations", len(x.modules), len(x.relos))
	want := make([]string, len(sharedJobs))
	for i, j := range sharedJobs {
		k := NewKernel(fsys)
		var err error
		if want[i], err = j.do(x, k, NewRelocator(x.local, k)); err != nil {
			t.Fatalf("%s: %v", j.name, err)
		}
		k.Close()
	}
	k := NewKernel(fsys)
	useShared(t, x, k, want)
	for _, j := range sharedJobs {
		if _, err := j.do(x, k, NewRelocator(x.local, k)); !errors.Is(err, ErrClosed) {
			t.Errorf("%s of a closed kernel: %v", j.name, err)
		}
	}
}

func useShared(t *testing.T, x *shared, k *Kernel, want []string) {
	const readers = 8
	r := NewRelocator(x.local, k)
	var closed atomic.Bool // or about to be
	var through, late atomic.Int32
	enough := make(chan struct{})
	var wg sync.WaitGroup
	for g := range readers {
		wg.Go(func() {
			// Each begins with another job. The second round is cut short.
			for n := range 2 * len(want) {
				i := (3*n + g) % len(want)
				got, err := sharedJobs[i].do(x, k, r)
				switch name := sharedJobs[i].name; {
				case closed.Load(): // what has begun may give all, nothing, or a part
					if err != nil && !errors.Is(err, ErrClosed) {
						t.Errorf("%s of what is being closed: %v", name, err)
					}
					late.Add(1)
				case err != nil:
					t.Errorf("%s: %v", name, err)
				case got != want[i]:
					t.Errorf("%s: alone (-) and beside others (+):\n%s", name, cmp.Diff(want[i], got))
				}
				if n+1 == len(want) && through.Add(1) == readers {
					close(enough)
				}
			}
		})
	}
	wg.Go(func() {
		<-enough
		closed.Store(true)
		if err := k.Close(); err != nil {
			t.Error(err)
		}
	})
	wg.Wait()
	if late.Load() == 0 {
		t.Error("nobody was left when the kernel was closed")
	}
}
