package skep_test

import (
	"encoding/binary"
	"errors"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/skepbpf/skep"
	"github.com/skepbpf/skep/asm"
	"github.com/skepbpf/skep/btf"
	"github.com/skepbpf/skep/internal/feature"
	"github.com/skepbpf/skep/internal/sys"
	"github.com/skepbpf/skep/internal/sys/systest"
	"github.com/skepbpf/skep/internal/testutil"
)

// degradations are all entries of a load report that say what is done without.
func degradations(r *skep.Report) []string {
	all := slices.Clone(r.Degraded)
	for name, o := range r.Programs {
		for _, text := range o.Degraded {
			all = append(all, "program "+name+": "+text)
		}
	}
	for name, o := range r.Maps {
		for _, text := range o.Degraded {
			all = append(all, "map "+name+": "+text)
		}
	}
	slices.Sort(all)
	return all
}

// kernelFiles are those of a machine with a kernel of that release.
func kernelFiles(release string) fs.FS {
	return fstest.MapFS{
		"proc/sys/kernel/osrelease":       {Data: []byte(release)},
		"proc/sys/kernel/version":         {Data: []byte("#1 SMP")},
		"sys/devices/system/cpu/possible": {Data: []byte("0")},
		"sys/devices/system/cpu/online":   {Data: []byte("0")},
		"boot/config-" + release: {Data: []byte("CONFIG_SKEP_S64=-5\nCONFIG_HZ=250\nCONFIG_DEFAULT_HOSTNAME=\"(none)\"\n" +
			"CONFIG_BPF_SYSCALL=y\nCONFIG_BPF_JIT=y\nCONFIG_NET=y\nCONFIG_NR_CPUS=64\n")},
	}
}

// withLayout gives the types a layout section, as compilers may for Linux 7.1.
func withLayout(t *testing.T, s *btf.Spec) *btf.Spec {
	t.Helper()
	old, word := s.Bytes(), s.Order()
	header, types := word.Uint32(old[4:]), word.Uint32(old[12:])
	layout := make([]byte, 4*20)
	b := slices.Clone(old[:24])
	b = append(b, make([]byte, 8)...)
	word.PutUint32(b[4:], 32)
	word.PutUint32(b[16:], types+uint32(len(layout)))
	word.PutUint32(b[24:], types)
	word.PutUint32(b[28:], uint32(len(layout)))
	body := old[header:]
	b = append(b, body[word.Uint32(old[8:]):][:types]...)
	b = append(b, layout...)
	b = append(b, body[word.Uint32(old[16:]):][:word.Uint32(old[20:])]...)
	out, err := btf.Parse(b)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// retype gives a Spec other types of the same ids.
func retype(s *skep.Spec, types *btf.Spec) {
	s.Types = types
	for _, m := range s.Maps {
		if m.Types != nil {
			m.Types = types
		}
	}
	for _, p := range s.Programs {
		if p.Types != nil {
			p.Types = types
		}
	}
}

// byType is what a kernel goes without that does not know the tag of a context,
// as it is a tag of a declaration, of a parameter of a global function.
const byType = "types of functions: arg:ctx tags: not supported by this kernel (needs Linux 6.8): contexts are marked by type"

// TestOldKernels loads one object on kernels that each lack one thing. It must
// load, and the report must say what it does without: just that.
func TestOldKernels(t *testing.T) {
	for _, tt := range []struct {
		lack []feature.ID
		edit func(*testing.T, *skep.Spec)
		want []string
	}{
		{nil, nil, nil},
		{[]feature.ID{feature.ProgName}, nil, []string{
			"map .kconfig: name: program and map names: not supported by this kernel (needs Linux 4.15)",
			"map .rodata: name: program and map names: not supported by this kernel (needs Linux 4.15)",
			"map stacks: name: program and map names: not supported by this kernel (needs Linux 4.15)",
			"map values: name: program and map names: not supported by this kernel (needs Linux 4.15)",
			"program egress: name of the program: left out",
			"program probe: name of the program: left out",
		}},
		{[]feature.ID{feature.GlobalData}, func(_ *testing.T, s *skep.Spec) { s.Prune() }, []string{
			"map .kconfig: constants are inlined: global data maps: not supported by this kernel (needs Linux 5.2)",
			"map .rodata: constants are inlined: global data maps: not supported by this kernel (needs Linux 5.2)",
		}},
		{[]feature.ID{feature.BTF}, nil, []string{
			"BTF of the object: left out: btf: load: BTF: not supported by this kernel (needs Linux 4.18)",
			"program egress: BTF of the program: left out",
			"program probe: BTF of the program: left out",
			byType,
		}},
		{[]feature.ID{feature.BTFFunc}, nil, []string{
			"BTF of the object: BTF: functions",
			"BTF of the object: BTF: global linkage of functions",
			"program egress: BTF of the program: left out",
			"program probe: BTF of the program: left out",
			byType,
		}},
		{[]feature.ID{feature.BTFGlobalFunc}, nil, []string{"BTF of the object: BTF: global linkage of functions", byType}},
		{[]feature.ID{feature.BTFDatasec}, nil, []string{
			"BTF of the object: BTF: declaration tags", // of variables, in the probe
			"BTF of the object: BTF: variables and sections",
		}},
		{[]feature.ID{feature.BTFFloat}, nil, []string{"BTF of the object: BTF: floats"}},
		{[]feature.ID{feature.BTFDeclTag}, nil, []string{"BTF of the object: BTF: declaration tags", byType}},
		{[]feature.ID{feature.BTFTypeTag}, nil, []string{"BTF of the object: BTF: type tags"}},
		{[]feature.ID{feature.BTFEnum64}, nil, []string{"BTF of the object: BTF: 64-bit enums"}},
		{[]feature.ID{feature.BTFQmarkDatasec}, func(t *testing.T, s *skep.Spec) {
			e := s.Types.Edit()
			e.AddDatasec("?.struct_ops", 0, nil)
			types, err := e.Spec()
			if err != nil {
				t.Fatal(err)
			}
			retype(s, types)
		}, []string{"BTF of the object: BTF: '?' in section names"}},
		{[]feature.ID{feature.BTFLayout}, func(t *testing.T, s *skep.Spec) {
			retype(s, withLayout(t, s.Types))
		}, []string{"BTF of the object: BTF: layout section"}},
		{[]feature.ID{feature.ArrayMmap}, nil, []string{
			"map .kconfig: flag Mmapable: mmap of array maps: not supported by this kernel (needs Linux 5.5)",
			"map .rodata: flag Mmapable: mmap of array maps: not supported by this kernel (needs Linux 5.5)",
		}},
		{[]feature.ID{feature.ExpAttachType}, nil, []string{"program egress: attach type cgroup_inet_egress: left out"}},
		{[]feature.ID{feature.ProbeReadKernel}, nil, []string{
			"program probe: bpf_probe_read_{kernel,user}: bpf_probe_read instead, in 1 calls",
		}},
		{[]feature.ID{feature.BPFCookie}, nil, []string{
			"extern LINUX_HAS_BPF_COOKIE is 0: attach cookies: not supported by this kernel (needs Linux 5.15)",
		}},
		{[]feature.ID{feature.ArgCtxTag}, nil, []string{byType}},
		{[]feature.ID{feature.ProgBindMap}, nil, nil}, // nothing binds unasked
	} {
		name := "nothing"
		if tt.lack != nil {
			name = tt.lack[0].String()
		}
		t.Run(name, func(t *testing.T) {
			systest.CheckLeaks(t, systest.Watch{})
			k := systest.NewKernel(t)
			k.Lack(tt.lack...)
			spec := open(t, native("oldkernel"))
			if tt.edit != nil {
				tt.edit(t, spec)
			}
			c := loadOld(t, spec, "4.20.0")
			defer c.Close()
			if diff := cmp.Diff(tt.want, degradations(c.Report())); diff != "" {
				t.Error(diff)
			}
			if len(c.Programs) != 2 || len(c.Maps) < 2 {
				t.Errorf("%d programs, %d maps", len(c.Programs), len(c.Maps))
			}
			checkRecords(t, k)
		})
	}
}

// loadOld loads on the fake kernel, which calls itself release.
func loadOld(t *testing.T, spec *skep.Spec, release string) *skep.Collection {
	t.Helper()
	c, err := tryOld(t, spec, release)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func tryOld(t *testing.T, spec *skep.Spec, release string) (*skep.Collection, error) {
	t.Helper()
	set := new(skep.Features)
	facts, err := skep.ReadFacts(spec.Needs(), &skep.FactOptions{Root: kernelFiles(release), Features: set, BTF: madeUp(t).BTF})
	if err != nil {
		t.Fatal(err)
	}
	defer facts.Close()
	if facts.Unknown != nil {
		t.Errorf("not known: %v", facts.Unknown)
	}
	plan, err := spec.Plan(facts)
	if err != nil {
		return nil, err
	}
	return plan.Apply(t.Context(), &skep.Options{Features: set})
}

// TestPlanForOldKernel: the plan for a kernel says what it will go without there.
func TestPlanForOldKernel(t *testing.T) {
	systest.Forbid(t)
	f := madeUp(t)
	for _, id := range []feature.ID{feature.ProgName, feature.ArrayMmap, feature.ProbeReadKernel, feature.ExpAttachType, feature.ArgCtxTag} {
		f.Features.Learn(id, feature.No)
	}
	plan, err := open(t, native("oldkernel")).Plan(f)
	if err != nil {
		t.Fatal(err)
	}
	name := ": name: program and map names: not supported by this kernel (needs Linux 4.15)"
	mmap := ": flag Mmapable: mmap of array maps: not supported by this kernel (needs Linux 5.5)"
	want := []string{
		"map .kconfig" + mmap, "map .kconfig" + name, "map .rodata" + mmap, "map .rodata" + name, "map stacks" + name, "map values" + name,
		"program egress: attach type cgroup_inet_egress: left out",
		"program egress: name of the program: left out",
		"program probe: bpf_probe_read_{kernel,user}: bpf_probe_read instead, in 1 calls",
		"program probe: name of the program: left out",
		byType,
	}
	if diff := cmp.Diff(want, degradations(plan.Report())); diff != "" {
		t.Error(diff)
	}
}

// checkRecords: what describes functions and lines is sent in records of the
// size that the first kernel with them has.
func checkRecords(t *testing.T, k *systest.Kernel) {
	t.Helper()
	for _, p := range k.Progs() {
		if a := &p.Attr; a.FuncInfoCnt > 0 && a.FuncInfoRecSize != 8 || a.LineInfoCnt > 0 && a.LineInfoRecSize != 16 {
			t.Errorf("%s: records of %d and %d bytes", p.Name, a.FuncInfoRecSize, a.LineInfoRecSize)
		}
	}
}

// TestDegradationsHere: on a real kernel, the report says what it is too old
// for, and programs run.
func TestDegradationsHere(t *testing.T) {
	needKernel(t)
	testutil.Require(t, "", "CONFIG_DEBUG_INFO_BTF") // for contexts
	var want []string
	for _, row := range []struct {
		id   feature.ID
		text string
	}{
		{feature.BTFFloat, "BTF of the object: BTF: floats"},
		{feature.BTFDeclTag, "BTF of the object: BTF: declaration tags"},
		{feature.BTFTypeTag, "BTF of the object: BTF: type tags"},
		{feature.BTFEnum64, "BTF of the object: BTF: 64-bit enums"},
		{feature.BPFCookie, "extern LINUX_HAS_BPF_COOKIE is 0: attach cookies: not supported by this kernel (needs Linux 5.15)"},
		{feature.ArgCtxTag, byType},
	} {
		if !testutil.KernelAtLeast(t, row.id.Since()) {
			want = append(want, row.text)
		}
	}
	slices.Sort(want)
	for _, inlined := range []bool{false, true} {
		set := new(skep.Features)
		lost := want
		if inlined { // as Linux before 5.2 would have it
			set.Learn(feature.GlobalData, feature.No)
			for _, name := range []string{".kconfig", ".rodata"} {
				lost = append(lost, "map "+name+": constants are inlined: global data maps: not supported by this kernel (needs Linux 5.2)")
			}
			slices.Sort(lost)
		}
		config := &skep.Config{Values: map[string]string{"CONFIG_SKEP_S64": "50"}}
		spec := open(t, native("oldkernel"))
		if inlined {
			spec.Prune()
		}
		c := load(t, spec, &skep.Options{Features: set, Config: config})
		if diff := cmp.Diff(lost, degradations(c.Report())); diff != "" {
			t.Errorf("inlined %v: %s", inlined, diff)
		}
		if (len(c.Maps) == 2) != inlined {
			t.Errorf("inlined %v: %d maps", inlined, len(c.Maps))
		}
		for n, want := range map[int]uint32{64 + 14: 1, 57 + 14: 0} { // behind the Ethernet header
			if got := run(t, c, "egress", n); got != want {
				t.Errorf("inlined %v: a packet of %d bytes gives %d, want %d", inlined, n, got, want)
			}
		}
	}
}

// TestVeryOldKernel: all at once.
func TestVeryOldKernel(t *testing.T) {
	systest.CheckLeaks(t, systest.Watch{})
	k := systest.NewKernel(t)
	for id := range feature.Count {
		k.Lack(id)
	}
	spec := open(t, native("oldkernel"))
	spec.Prune()
	c := loadOld(t, spec, "4.14.300")
	defer c.Close()
	if n := len(degradations(c.Report())); n < 8 {
		t.Errorf("%q", degradations(c.Report()))
	}
	for _, cmd := range k.Calls() {
		if cmd == sys.BPF_MAP_FREEZE {
			t.Error("a map was frozen")
		}
	}
	for _, p := range k.Progs() {
		for at := 0; at < len(p.Insns); at += 8 {
			if in := p.Insns[at:]; in[0] == 0x18 && (in[1]>>4 == sys.BPF_PSEUDO_MAP_VALUE || in[1]&0xf == sys.BPF_PSEUDO_MAP_VALUE && binary.NativeEndian.Uint16([]byte{0, 1}) == 1) {
				t.Errorf("%s: slot %d refers to a data section", p.Name, at/8)
			}
		}
	}
}

// TestNoGlobalData: what cannot be inlined is named, with the kernel that it
// takes, and stops only the programs that need it.
func TestNoGlobalData(t *testing.T) {
	for _, tt := range []struct {
		object, program string
		asIs            bool   // not pruned
		want            string // "" if it loads
	}{
		{"globals", "", false, "variable "},
		{"subprogs", "uses_none", false, ""},
		{"subprogs", "uses_none", true, ""},
		{"oldkernel", "egress", true, ": only constants can be inlined, by Spec.Prune: global data maps: not supported by this kernel (needs Linux 5.2)"},
		{"subprogs", "uses_one", false, "program uses_one: uses_one: variable result: only constants that are read one by one can be inlined: " +
			"global data maps: not supported by this kernel (needs Linux 5.2)"},
		{"oldkernel", "egress", false, "program egress: egress: extern CONFIG_SKEP_S64: only constants that are read one by one can be inlined"},
	} {
		t.Run(tt.object+" "+tt.program, func(t *testing.T) {
			k := systest.NewKernel(t)
			k.Lack(feature.GlobalData)
			spec := open(t, native(tt.object))
			if tt.program != "" {
				if err := spec.Only(tt.program); err != nil {
					t.Fatal(err)
				}
			}
			if !tt.asIs {
				spec.Prune()
			}
			if tt.program == "egress" && !tt.asIs { // hands on the address
				spec.Programs["egress"].Insns = asm.Instructions{
					{Op: asm.OpLoadImm64, Ref: asm.Ref{Kind: asm.RefVar, Name: "CONFIG_SKEP_S64"}}, asm.Exit(),
				}
			}
			c, err := tryOld(t, spec, "5.1.0")
			if c != nil {
				c.Close()
			}
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

// TestOldKernelFaults fails each call of a load that goes down several steps:
// what a failing call hides is no lesser form, and nothing is left behind.
func TestOldKernelFaults(t *testing.T) {
	testutil.NeedTime(t)
	setup := func(t *testing.T) {
		systest.NewKernel(t).Lack(feature.ProgName, feature.ArrayMmap, feature.BTFFloat, feature.ProbeReadKernel, feature.ExpAttachType)
	}
	spec, facts := open(t, native("oldkernel")), madeUp(t)
	facts.Features.Learn(feature.ArgCtxTag, feature.Yes)
	plan, err := spec.Plan(facts)
	if err != nil {
		t.Fatal(err)
	}
	var want []string // of the first run, which has no fault
	same, lesser := 0, 0
	systest.EachFault(t, systest.Faults{
		Calls:  []systest.Fault{{Cmd: systest.AnyCmd}},
		Errnos: []sys.Errno{sys.EINVAL}, // which a lesser form is the answer to
		Setup:  setup,
		Sample: systest.All,
	}, func(t *testing.T, in *systest.Injector) {
		c, err := plan.Apply(t.Context(), &skep.Options{Parallel: 1})
		in.Disarm()
		// Where a probe failed, the error is the kernel's own.
		if err != nil && !errors.Is(err, sys.E2BIG) && !errors.Is(err, sys.EINVAL) {
			in.Judge(t, err)
		}
		if (c == nil) == (err == nil) {
			t.Fatalf("collection %v, error %v", c != nil, err)
		}
		if err != nil {
			return
		}
		defer c.Close()
		got := degradations(c.Report())
		if want == nil {
			want = got
		}
		switch missing := slices.DeleteFunc(slices.Clone(want), func(s string) bool { return slices.Contains(got, s) }); {
		case len(got) == len(want) && len(missing) == 0:
			same++
		case len(missing) == 0: // a probe was told no
			lesser++
		case !slices.ContainsFunc(got, func(s string) bool { return strings.Contains(s, "left out: ") }):
			t.Errorf("without a word on %q", missing)
		default: // the object's types were left out
			lesser++
		}
	})
	if len(want) < 8 || same < 10 || lesser == 0 {
		t.Errorf("%d as without a fault, %d with less than %q", same, lesser, want)
	}
}
