package btf

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/skepbpf/skep/internal/elffile"
	"github.com/skepbpf/skep/internal/testutil"
)

// oracleType is a type as bpftool prints it.
type oracleType struct {
	ID       ID     `json:"id"`
	Kind     string `json:"kind"`
	Name     string `json:"name"`
	Size     uint32 `json:"size"`
	TypeID   ID     `json:"type_id"`
	RetID    ID     `json:"ret_type_id"`
	IndexID  ID     `json:"index_type_id"`
	Elems    uint32 `json:"nr_elems"`
	Bits     uint32 `json:"nr_bits"`
	Encoding string `json:"encoding"`
	Linkage  any    `json:"linkage"`
	FwdKind  string `json:"fwd_kind"`
	Comp     *int   `json:"component_idx"`
	Members  []struct {
		Name string `json:"name"`
		Type ID     `json:"type_id"`
		Bit  uint32 `json:"bits_offset"`
		Size uint32 `json:"bitfield_size"`
	} `json:"members"`
	Params []struct {
		Name string `json:"name"`
		Type ID     `json:"type_id"`
	} `json:"params"`
	Values []struct {
		Name string      `json:"name"`
		Val  json.Number `json:"val"`
	} `json:"values"`
	Vars []struct {
		Type   ID     `json:"type_id"`
		Offset uint32 `json:"offset"`
		Size   uint32 `json:"size"`
	} `json:"vars"`
}

func oracle(t *testing.T, args ...string) []oracleType {
	t.Helper()
	tool := testutil.NeedTool(t, "bpftool")
	out, err := exec.Command(tool, append([]string{"-j", "btf", "dump", "file"}, args...)...).Output()
	if err != nil {
		t.Fatalf("bpftool %v: %v", args, err)
	}
	var doc struct {
		Types []oracleType `json:"types"`
	}
	d := json.NewDecoder(bytes.NewReader(out))
	d.UseNumber()
	if err := d.Decode(&doc); err != nil {
		t.Fatal(err)
	}
	return doc.Types
}

func unanon(s string) string {
	if s == "(anon)" {
		return ""
	}
	return s
}

// theirs and ours print a type in one form.
func theirs(o *oracleType) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d %s %q %d %d", o.ID, o.Kind, unanon(o.Name), o.Size, o.TypeID+o.RetID)
	switch o.Kind {
	case "ARRAY":
		fmt.Fprintf(&b, " %d %d", o.IndexID, o.Elems)
	case "INT":
		fmt.Fprintf(&b, " %d %v", o.Bits, strings.Contains(o.Encoding, "SIGNED"))
	case "FUNC", "VAR":
		fmt.Fprintf(&b, " %v", o.Linkage)
	case "FWD":
		fmt.Fprintf(&b, " %s", o.FwdKind)
	case "DECL_TAG":
		fmt.Fprintf(&b, " %d", *o.Comp)
	}
	for _, m := range o.Members {
		fmt.Fprintf(&b, " {%s %d %d %d}", unanon(m.Name), m.Type, m.Bit, m.Size)
	}
	for _, p := range o.Params {
		fmt.Fprintf(&b, " {%s %d}", unanon(p.Name), p.Type)
	}
	for _, v := range o.Values {
		// bpftool extends the sign of a 32-bit value even if it is unsigned.
		if n, err := strconv.ParseUint(string(v.Val), 10, 64); err == nil && o.Kind == "ENUM" {
			v.Val = json.Number(strconv.FormatUint(uint64(uint32(n)), 10))
		}
		fmt.Fprintf(&b, " {%s %s}", v.Name, v.Val)
	}
	for _, v := range o.Vars {
		fmt.Fprintf(&b, " {%d %d %d}", v.Type, v.Offset, v.Size)
	}
	return b.String()
}

func ours(t Type) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d %s %q %d %d", t.ID(), strings.ToUpper(t.Kind().String()), t.Name(), t.Size(), t.Target())
	switch t.Kind() {
	case KindArray:
		_, index, n := t.Array()
		fmt.Fprintf(&b, " %d %d", index, n)
	case KindInt:
		_, bits, _ := t.Int()
		fmt.Fprintf(&b, " %d %v", bits, t.Signed())
	case KindFunc:
		fmt.Fprintf(&b, " %s", [...]string{"static", "global", "extern"}[t.Linkage()])
	case KindVar:
		fmt.Fprintf(&b, " %s", [...]string{"static", "global", "extern"}[t.Linkage()])
	case KindFwd:
		fmt.Fprintf(&b, " %s", map[bool]string{false: "struct", true: "union"}[t.KindFlag()])
	case KindDeclTag:
		fmt.Fprintf(&b, " %d", t.ComponentIndex())
	}
	for i := range t.Vlen() {
		switch t.Kind() {
		case KindStruct, KindUnion:
			m := t.Member(i)
			fmt.Fprintf(&b, " {%s %d %d %d}", m.Name, m.Type, m.Offset, m.BitSize)
		case KindFuncProto:
			p := t.Param(i)
			fmt.Fprintf(&b, " {%s %d}", p.Name, p.Type)
		case KindEnum, KindEnum64:
			v := t.EnumValue(i)
			if t.Signed() {
				fmt.Fprintf(&b, " {%s %d}", v.Name, int64(v.Value))
			} else {
				fmt.Fprintf(&b, " {%s %d}", v.Name, v.Value)
			}
		case KindDatasec:
			v := t.SecVar(i)
			fmt.Fprintf(&b, " {%d %d %d}", v.Type, v.Offset, v.Size)
		}
	}
	return b.String()
}

func compare(t *testing.T, s *Spec, want []oracleType) {
	t.Helper()
	if s.Len()-1 != len(want) {
		t.Errorf("%d types, bpftool has %d", s.Len()-1, len(want))
	}
	bad := 0
	for typ := range s.All() {
		i := int(typ.ID()) - 1
		if i >= len(want) || bad > 5 {
			break
		}
		if diff := cmp.Diff(theirs(&want[i]), ours(typ)); diff != "" {
			t.Error(diff)
			bad++
		}
	}
}

func TestKernelEqualsBpftool(t *testing.T) {
	testutil.NeedTime(t)
	k := liveKernel(t)
	s, err := k.Vmlinux()
	if err != nil {
		t.Fatal(err)
	}
	types := oracle(t, "/sys/kernel/btf/vmlinux")
	compare(t, s, types)
	if got, want := visit(s), oracleSum(t, types); got != want {
		t.Errorf("visiting sums to %#x, what bpftool prints to %#x", got, want)
	} else {
		t.Logf("%d types, sum %#x", s.Len()-1, got)
	}
}

// embedded finds the BPF objects inside the programs of libbpf-tools.
func embedded(t testing.TB) map[string][]byte {
	t.Helper()
	list := testutil.NeedFile(t, "package libbpf-tools", "/var/lib/dpkg/info/libbpf-tools.list")
	files, err := os.ReadFile(list[0])
	if err != nil {
		t.Fatal(err)
	}
	objects := make(map[string][]byte)
	for _, file := range strings.Fields(string(files)) {
		info, err := os.Lstat(file)
		if err != nil || !info.Mode().IsRegular() || !strings.Contains(file, "/sbin/") {
			continue
		}
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		head := []byte{0x7f, 'E', 'L', 'F', 2, 1, 1}
		for i := 1; i < len(b); i++ {
			n := bytes.Index(b[i:], head)
			if n < 0 {
				break
			}
			i += n
			if len(b)-i > 64 && binary.LittleEndian.Uint16(b[i+18:]) == 247 {
				shoff := binary.LittleEndian.Uint64(b[i+40:])
				shnum := binary.LittleEndian.Uint16(b[i+60:])
				objects[filepath.Base(file)] = b[i:][:shoff+uint64(shnum)*64]
			}
		}
	}
	return objects
}

// object is the type data of one BPF object.
type object struct {
	name     string
	btf, ext []byte
	file     []byte
}

func objects(t testing.TB) []object {
	t.Helper()
	var list []object
	for name, b := range embedded(t) {
		f, err := elffile.OpenBytes(b)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		o := object{name: name, file: b}
		for sec, dst := range map[string]*[]byte{".BTF": &o.btf, ".BTF.ext": &o.ext} {
			if i, ok := f.Section(sec); ok {
				if *dst, err = f.Data(i); err != nil {
					t.Fatal(err)
				}
			}
		}
		list = append(list, o)
	}
	if len(list) == 0 {
		t.Fatal("libbpf-tools is installed but holds no object")
	}
	return list
}

func TestRealObjects(t *testing.T) {
	for _, o := range objects(t) {
		s, err := Parse(o.btf)
		if err != nil {
			t.Errorf("%s: %v", o.name, err)
			continue
		}
		ext, err := ParseExt(o.ext, s)
		if err != nil || len(ext.Sections) == 0 {
			t.Errorf("%s: %v", o.name, err)
		}
		same := s.Edit()
		same.dirty = true
		if got, err := same.Spec(); err != nil || !bytes.Equal(got.Bytes(), o.btf) {
			t.Errorf("%s: encoding is not the same bytes: %v", o.name, err)
		}
		if testing.Short() {
			continue
		}
		file := filepath.Join(t.TempDir(), o.name+".o")
		if err := os.WriteFile(file, o.file, 0o600); err != nil {
			t.Fatal(err)
		}
		compare(t, s, oracle(t, file))
	}
}

// Every relocation of every object resolves here: the programs themselves run
// on this kernel.
func TestRealRelocations(t *testing.T) {
	k := liveKernel(t)
	total, poisoned := 0, 0
	for _, o := range objects(t) {
		s, err := Parse(o.btf)
		if err != nil {
			t.Fatal(err)
		}
		ext, err := ParseExt(o.ext, s)
		if err != nil {
			t.Fatal(err)
		}
		r := NewRelocator(s, k)
		for _, sec := range ext.Sections {
			for _, c := range sec.CORE {
				fix, err := r.Resolve(&c.CORERelo)
				if err != nil {
					t.Errorf("%s: %s+%#x: %v", o.name, sec.Name, c.Off, err)
				}
				total++
				if fix.Poison {
					poisoned++
					t.Logf("%s: %s+%#x: %s", o.name, sec.Name, c.Off, fix.Why)
				}
			}
		}
	}
	t.Logf("%d relocations, %d without a value", total, poisoned)
}
