package skep_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"unsafe"

	"github.com/google/go-cmp/cmp"

	"github.com/skepbpf/skep"
	"github.com/skepbpf/skep/internal/sys"
	"github.com/skepbpf/skep/internal/sys/systest"
	"github.com/skepbpf/skep/internal/testutil"
	"github.com/skepbpf/skep/prog"
	"github.com/skepbpf/skep/refusal"
)

// exclusive is testdata/signed with both maps given to owner.
func exclusive(t *testing.T, programs ...string) *skep.Spec {
	t.Helper()
	s := open(t, native("signed"))
	if err := s.Only(programs...); err != nil {
		t.Fatal(err)
	}
	s.Maps["counts"].Exclusive = "owner"
	return s
}

func TestExclusiveMap(t *testing.T) {
	needKernel(t)
	s := exclusive(t, "owner")
	s.Maps[".rodata"].Exclusive = "owner"
	c, err := skep.Load(s, nil)
	if !testutil.KernelAtLeast(t, "6.18") {
		r, ok := errors.AsType[*refusal.Error](err)
		if !ok || r.Cause != refusal.Unsupported || !strings.Contains(err.Error(), "exclusive maps (Linux 6.18 does)") {
			t.Errorf("got %v", err)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for want := uint32(3); want <= 6; want += 3 {
		if got := run(t, c, "owner", 64); got != want {
			t.Errorf("owner gives %d, want %d", got, want)
		}
	}
	// The kernel knows who may; this library only knows better where the two
	// are of one object.
	stranger := open(t, native("signed"))
	if err := stranger.Only("other"); err != nil {
		t.Fatal(err)
	}
	other, err := skep.Load(stranger, &skep.Options{Maps: c.Maps})
	if err == nil {
		other.Close()
		t.Fatal("another program may use the map")
	}
	r, ok := errors.AsType[*refusal.Error](err)
	if !ok || r.Cause != refusal.Exclusive || !errors.Is(err, sys.EACCES) || !strings.Contains(err.Error(), "exclusive to another program than one with SHA-256 "+r.Detail) {
		t.Errorf("got %v", err)
	}
	// A clone is the same program, unless it is edited.
	p, err := c.Clone("owner", nil)
	if err != nil {
		t.Fatal(err)
	}
	p.Close()
	if _, err := c.Clone("owner", func(s *prog.Spec) error { s.Insns[0].Imm++; return nil }); err == nil ||
		!strings.Contains(err.Error(), "is exclusive to the program as it was planned, and Edit changed its instructions") {
		t.Errorf("edited: %v", err)
	}
}

func TestPlanExclusive(t *testing.T) {
	systest.Forbid(t)
	plan := func(s *skep.Spec) (*skep.Plan, error) { return s.Plan(madeUp(t)) }
	want := func(name string, err error, text string) {
		t.Helper()
		if err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("%s: got %v, want %q", name, err, text)
		}
	}
	_, err := plan(exclusive(t, "owner", "other"))
	want("other", err, "program other: map counts is exclusive to program owner")
	s := exclusive(t, "owner")
	s.Maps["counts"].Exclusive = "nobody"
	_, err = plan(s)
	want("nobody", err, "map counts is exclusive to program nobody")
	s = exclusive(t, "bare")
	s.Maps["counts"].Exclusive = "nobody"
	_, err = plan(s)
	want("unused", err, "map counts: exclusive: no program nobody: have ")
	s = exclusive(t, "owner")
	s.Maps["counts"].ExclusiveHash = make([]byte, 32)
	_, err = plan(s)
	want("both", err, "map counts: both Exclusive and ExclusiveHash are set")

	p, err := plan(exclusive(t, "bare"))
	if err != nil {
		t.Fatal(err)
	}
	if text := "map counts: off: exclusive to program owner, which is left out: switched off\n"; !strings.Contains(p.String(), text) {
		t.Errorf("no %q in\n%s", text, p)
	}
	if p, err = plan(exclusive(t, "owner")); err != nil {
		t.Fatal(err)
	}
	sig, err := p.Signing("owner")
	if err != nil {
		t.Fatal(err)
	}
	// By index, no descriptor is in the bytes, and the digest is that of all.
	if sig.Digest != sha256.Sum256(sig.Code) {
		t.Error("the digest is not that of the code")
	}
	if text := fmt.Sprintf("\texclusive to program owner, %x\n", sig.Digest); !strings.Contains(p.String(), text) {
		t.Errorf("no %q in\n%s", text, p)
	}
}

// TestDigest: the kernel's tag is the beginning of the digest since it is a
// SHA-256.
func TestDigest(t *testing.T) {
	needKernel(t)
	testutil.Require(t, "6.18")
	for _, object := range []string{"signed", "subprogs", "globals", "callbacks", "mapinmap"} {
		for _, byIndex := range []bool{false, true} {
			s := open(t, native(object))
			want := map[string][32]byte{}
			c, err := skep.Load(s, &skep.Options{Parallel: 1, Edit: func(p *prog.Spec) (err error) {
				p.ByIndex = byIndex
				want[p.Name], err = p.Digest(nil)
				return err
			}})
			if err != nil {
				t.Fatal(err)
			}
			for name, p := range c.Programs {
				info, err := p.Info()
				if err != nil {
					t.Fatal(err)
				}
				if sum := want[name]; !bytes.Equal(info.Tag[:], sum[:8]) {
					t.Errorf("%s: %s: by index %v: tag %x, digest %x", object, name, byIndex, info.Tag, sum)
				}
			}
			c.Close()
		}
	}
}

// TestSigningBytes: what a signature covers depends on the release, and is
// refused where the kernel would.
func TestSigningBytes(t *testing.T) {
	systest.Forbid(t)
	sign := func(release, program string, edit func(*skep.Spec)) (*skep.Signing, error) {
		s := open(t, "testdata/signed.el.o")
		if err := s.Only(program); err != nil {
			t.Fatal(err)
		}
		if edit != nil {
			edit(s)
		}
		f := madeUp(t)
		f.Release, f.Version = release, 0
		p, err := s.Plan(f)
		if err != nil {
			t.Fatal(err)
		}
		return p.Signing(program)
	}
	own := func(s *skep.Spec) { s.Maps[".rodata"].Exclusive = "reader" }
	old, err := sign("7.2.9", "reader", own)
	if err != nil || !bytes.Equal(old.Bytes, old.Code) || len(old.Code)%8 != 0 {
		t.Fatalf("7.2: %+v, %v", old, err)
	}
	now, err := sign("7.3.0", "reader", own)
	if err != nil {
		t.Fatal(err)
	}
	if want := append(bytes.Clone(now.Code), binary.LittleEndian.AppendUint64(nil, 3)...); !bytes.Equal(now.Bytes, want) {
		t.Errorf("7.3: %x, want %x", now.Bytes, want)
	}
	for program, edit := range map[string]func(*skep.Spec){
		"reader": nil, // its map is not its own
		"owner": func(s *skep.Spec) { // one is written
			s.Maps[".rodata"].Exclusive, s.Maps["counts"].Exclusive = "owner", "owner"
		},
	} {
		if _, err := sign("7.3.1", program, edit); err == nil || !strings.Contains(err.Error(),
			"Linux 7.3 wants all maps of a signed program to be frozen Arrays that are exclusive to it") {
			t.Errorf("%s: %v", program, err)
		}
	}
	// With the signature, the bytes stay.
	signed, err := sign("7.3.0", "reader", func(s *skep.Spec) { own(s); s.Programs["reader"].Signature = []byte{1} })
	if diff := cmp.Diff(now, signed); diff != "" || err != nil {
		t.Errorf("%v %s", err, diff)
	}
	if _, err := sign("7.3.0", "owner", func(s *skep.Spec) { s.Programs["owner"].Policy = skep.Off }); err == nil {
		t.Error("a program that is off was signed")
	}
}

// samePlans plans objects n times and gives what all plans have to have in
// common.
func samePlans(t *testing.T, n int) string {
	t.Helper()
	var first string
	for range n {
		var b strings.Builder
		for _, object := range []string{"signed", "everything", "core", "globals", "subprogs", "mapinmap", "structops", "ksyms", "kconfig"} {
			s := open(t, "testdata/"+object+".el.o")
			for _, p := range s.Programs {
				p.Policy = skep.Optional
			}
			if object == "signed" {
				s.Programs["other"].Policy = skep.Off
				s.Maps["counts"].Exclusive = "owner"
				s.Programs["bare"].Signature = []byte("a signature")
			}
			plan, err := s.Plan(madeUp(t))
			if err != nil {
				t.Fatal(err)
			}
			b.WriteString(plan.String())
			for _, name := range s.ProgramNames() {
				sig, err := plan.Signing(name)
				if err != nil {
					fmt.Fprintf(&b, "%s: %v\n", name, err)
					continue
				}
				fmt.Fprintf(&b, "%s: %x %x\n", name, sig.Digest, sha256.Sum256(sig.Bytes))
			}
		}
		if first == "" {
			first = b.String()
		}
		if diff := cmp.Diff(first, b.String()); diff != "" {
			t.Fatalf("planned again, it differs:\n%s", diff)
		}
	}
	return first
}

// TestSigningGolden compares what to sign with what was recorded: objects of both
// byte orders come to the same bytes on every machine.
func TestSigningGolden(t *testing.T) {
	systest.Forbid(t)
	var b strings.Builder
	for _, order := range []string{"el", "eb"} {
		s := open(t, "testdata/signed."+order+".o")
		s.Maps["counts"].Exclusive, s.Programs["other"].Policy = "owner", skep.Off
		facts := madeUp(t)
		facts.Release = "6.18.0"
		plan, err := s.Plan(facts)
		if err != nil {
			t.Fatal(err)
		}
		sig, err := plan.Signing("owner")
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&b, "%s\nsha256 %x\ncode %x\n", order, sig.Digest, sig.Bytes)
		b.WriteString(plan.String())
	}
	const golden = "testdata/plan/signed.txt"
	if *update {
		if err := os.WriteFile(golden, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), b.String()); diff != "" {
		t.Error(diff)
	}
}

const inChild = "SKEP_TEST_PLANS"

// TestSamePlans: a hundred plans, in five processes with hash seeds of their
// own, are one plan.
func TestSamePlans(t *testing.T) {
	if os.Getenv(inChild) != "" {
		systest.Forbid(t)
		fmt.Printf("plans %x\n", sha256.Sum256([]byte(samePlans(t, 20))))
		return
	}
	want := fmt.Sprintf("plans %x\n", sha256.Sum256([]byte(samePlans(t, 20))))
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for range 4 {
		cmd := exec.Command(self, "-test.run=^TestSamePlans$")
		cmd.Env = append(os.Environ(), inChild+"=1")
		out, err := cmd.CombinedOutput()
		if err != nil || !strings.Contains(string(out), want) {
			t.Fatalf("want %s, got %v\n%s", want, err, out)
		}
	}
}

// recordCode gives the instructions of all PROG_LOADs during a load.
func recordCode(t *testing.T, s *skep.Spec) (code [][]byte) {
	t.Helper()
	before := sys.InstallSeam(&sys.Seam{BPF: func(cmd sys.Cmd, attr unsafe.Pointer, size uintptr, common *sys.CommonAttr) (uintptr, sys.Errno) {
		if a := (*sys.ProgLoadAttr)(attr); cmd == sys.BPF_PROG_LOAD {
			code = append(code, bytes.Clone(unsafe.Slice((*byte)(a.Insns.Raw()), a.InsnCnt*8)))
		}
		return sys.DirectBPF(cmd, attr, size, common)
	}})
	c, err := skep.Load(s, &skep.Options{Parallel: 1})
	sys.InstallSeam(before)
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
	return code
}

// TestSameBytes: by index, two loads hand the same bytes over, which are those
// that the plan foretells; by descriptor they do not, which shows that the
// descriptors differed.
func TestSameBytes(t *testing.T) {
	testutil.NeedRoot(t)
	testutil.Require(t, "5.14")
	spec := func(byIndex bool) *skep.Spec {
		s := open(t, native("signed"))
		for _, p := range s.Programs {
			p.Policy, p.ByIndex = skep.Required, byIndex
		}
		return s
	}
	loads := map[bool][2][][]byte{}
	for _, byIndex := range []bool{false, true} {
		var pair [2][][]byte
		for i := range pair {
			pair[i] = recordCode(t, spec(byIndex))
			f, err := os.Open("/dev/null")
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close() // shifts the descriptors of the next load
		}
		loads[byIndex] = pair
	}
	if pair := loads[true]; cmp.Diff(pair[0], pair[1]) != "" {
		t.Errorf("by index: %x and then %x", pair[0], pair[1])
	}
	if pair := loads[false]; cmp.Diff(pair[0], pair[1]) == "" {
		t.Error("by descriptor, the bytes are the same: the test shows nothing")
	}
	s := spec(false)
	f, err := skep.ReadFacts(s.Needs(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	f.Release, f.Version = "6.18.0", 0
	plan, err := s.Plan(f)
	if err != nil {
		t.Fatal(err)
	}
	for i, name := range s.ProgramNames() {
		sig, err := plan.Signing(name)
		if err != nil {
			t.Fatal(err)
		}
		if got := loads[true][0][i]; !bytes.Equal(got, sig.Code) {
			t.Errorf("%s: the kernel got %x, the plan says %x", name, got, sig.Code)
		}
	}
}

// TestExclusiveFaults: whatever call fails, a map that comes into being belongs
// to its program: that is no nicety to do without.
func TestExclusiveFaults(t *testing.T) {
	needKernel(t)
	testutil.Require(t, "6.18")
	s := exclusive(t, "owner")
	s.Maps[".rodata"].Exclusive = "owner"
	f, err := skep.ReadFacts(s.Needs(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	plan, err := s.Plan(f)
	if err != nil {
		t.Fatal(err)
	}
	loaded, stolen := 0, 0
	runs := systest.EachFault(t, systest.Faults{Sample: systest.All}, func(t *testing.T, in *systest.Injector) {
		c, err := plan.Apply(t.Context(), &skep.Options{Parallel: 1})
		in.Disarm()
		in.Judge(t, err)
		if c == nil {
			return
		}
		defer c.Close()
		loaded++
		if got := run(t, c, "owner", 64); got != 3 {
			t.Errorf("owner gives %d", got)
		}
		stranger := open(t, native("signed"))
		if err := stranger.Only("other"); err != nil {
			t.Fatal(err)
		}
		if other, err := skep.Load(stranger, &skep.Options{Maps: c.Maps}); err == nil {
			other.Close()
			stolen++
		}
	})
	if loaded < 2 || stolen > 0 {
		t.Errorf("%d of %d runs loaded, in %d of them others may use the maps", loaded, runs, stolen)
	}
}
