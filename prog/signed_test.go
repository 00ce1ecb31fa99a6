package prog_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/skepbpf/skep/asm"
	"github.com/skepbpf/skep/internal/sys"
	"github.com/skepbpf/skep/internal/sys/systest"
	"github.com/skepbpf/skep/maps"
	"github.com/skepbpf/skep/prog"
	"github.com/skepbpf/skep/refusal"
)

// twoMaps is a program that uses maps b, a and b again.
func twoMaps(t *testing.T) *prog.Spec {
	t.Helper()
	s := &prog.Spec{Name: "two", Type: prog.SocketFilter, License: "GPL", Maps: map[string]prog.MapRef{}}
	for _, name := range []string{"a", "b"} {
		m, err := maps.New(&maps.Spec{Name: name, Type: maps.Array, KeySize: 4, ValueSize: 8, MaxEntries: 1}, nil)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { m.Close() })
		s.Maps[name] = m
	}
	s.Insns = asm.Instructions{
		asm.LoadMap(asm.R1, "b"), asm.LoadMapValue(asm.R2, "a", 4), asm.LoadMap(asm.R3, "b"), asm.Mov(asm.R0, 0), asm.Exit(),
	}
	return s
}

// TestByIndex: maps go by the order of their first use, behind modules.
func TestByIndex(t *testing.T) {
	k := systest.NewKernel(t)
	s := twoMaps(t)
	load := func() *systest.Prog {
		t.Helper()
		p, err := prog.Load(s, nil)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { p.Close() })
		all := k.Progs()
		return all[len(all)-1]
	}
	imms := func(p *systest.Prog) (got []int64) {
		ins, err := asm.Decode(p.Insns, nativeOrder)
		if err != nil {
			t.Fatal(err)
		}
		for _, in := range ins[:3] {
			got = append(got, int64(in.Src), in.Imm)
		}
		return got
	}
	byFD := load()
	s.ByIndex = true
	byIndex := load()
	const mapIdx, valueIdx = int64(asm.PseudoMapIdx), int64(asm.PseudoMapIdxValue)
	if diff := cmp.Diff([]int64{mapIdx, 0, valueIdx, 4<<32 | 1, mapIdx, 0}, imms(byIndex)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(byFD.Maps, byIndex.Maps); diff != "" || byIndex.Attr.FdArrayCnt != 0 {
		t.Errorf("%d bound, %s", byIndex.Attr.FdArrayCnt, diff)
	}
	code, err := s.Code(nil)
	if err != nil || string(code) != string(byIndex.Insns) {
		t.Errorf("code %x, loaded %x, %v", code, byIndex.Insns, err)
	}
	k.AddModule("m", nil)
	s.Modules = []string{"m"}
	if diff := cmp.Diff([]int64{mapIdx, 2, valueIdx, 4<<32 | 3, mapIdx, 2}, imms(load())); diff != "" {
		t.Error(diff)
	}
	s.Insns = append(asm.Instructions{{Op: asm.OpLoadImm64, Src: asm.PseudoBTFID, Imm: 5, Ref: asm.Ref{Kind: asm.RefKsym, Name: "x", Addend: 1}}}, s.Insns...)
	if _, err := prog.Load(s, nil); err == nil || !strings.Contains(err.Error(), "insn 0: a variable of module m is named by descriptor") {
		t.Errorf("a module's variable: %v", err)
	}
}

// TestBoundMaps: the maps of a signed program are bound to it, and named in its
// instructions alone only where the kernel says EACCES to the former and takes
// the latter.
func TestBoundMaps(t *testing.T) {
	const mismatch = "program's hash doesn't match map's excl_prog_hash\n"
	for _, tt := range []struct {
		name           string
		bound, unbound sys.Errno
		count          uint32
	}{
		{"new kernel", 0, sys.EACCES, 2},
		{"older kernel", sys.EACCES, 0, 0},
		{"neither", sys.EACCES, sys.EINVAL, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			k := systest.NewKernel(t)
			k.Verify = func(p *systest.Prog) (string, sys.Errno) {
				switch {
				case p.Attr.SignatureSize == 0:
					return "", 0
				case p.Attr.SignatureSize != 3 || p.Attr.KeyringId != int32(prog.UserKeyring):
					return "", sys.EBADMSG
				case p.Attr.FdArrayCnt > 0:
					return mismatch, tt.bound
				}
				return "", tt.unbound
			}
			s := twoMaps(t)
			s.Signature, s.Keyring = []byte{1, 2, 3}, prog.UserKeyring
			p, err := prog.Load(s, nil)
			if tt.bound != 0 && tt.unbound != 0 {
				r, ok := errors.AsType[*refusal.Error](err)
				if !ok || r.Cause != refusal.Exclusive || !errors.Is(err, sys.EACCES) {
					t.Errorf("want the first error, got %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer p.Close()
			if got := k.Progs()[0].Attr.FdArrayCnt; got != tt.count || len(p.Degraded()) != 0 {
				t.Errorf("%d maps bound, want %d; %q", got, tt.count, p.Degraded())
			}
		})
	}
}

func TestKeyring(t *testing.T) {
	for k, want := range map[prog.Keyring]string{
		prog.BuiltinKeyring: "builtin", prog.PlatformKeyring: "platform", prog.UserSessionKeyring: "user session",
		prog.ThreadKeyring: "thread", 3: "3", -6: "-6", 1 << 30: "1073741824",
	} {
		if k.String() != want {
			t.Errorf("%d is %q, want %q", int32(k), k, want)
		}
	}
}
