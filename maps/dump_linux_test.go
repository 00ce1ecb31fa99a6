package maps_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/skepbpf/skep/btf"
	"github.com/skepbpf/skep/internal/sys/systest"
	"github.com/skepbpf/skep/internal/testutil"
	"github.com/skepbpf/skep/maps"
)

// TestValuesEqualBpftool: btf.AppendValue writes what `bpftool map dump` says
// of the same elements.
func TestValuesEqualBpftool(t *testing.T) {
	testutil.NeedRoot(t)
	tool := testutil.NeedTool(t, "bpftool")
	systest.CheckLeaks(t, systest.Watch{})
	b, err := os.ReadFile("../btf/testdata/layouts.el.btf")
	if err != nil {
		t.Fatal(err)
	}
	all, err := btf.Parse(b)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"bits", "packed_bits", "packed", "half_packed", "nested", "holes", "bytes"} {
		typ, ok := all.ByName(name, btf.KindStruct)
		if !ok {
			t.Fatal(name)
		}
		// The sections of an object that was not loaded have no sizes.
		build := btf.NewBuilder(&btf.BuilderOptions{Order: all.Order()})
		value := build.Importer(all).Add(typ.ID())
		key := build.AddInt("unsigned int", 4, 0)
		types, err := build.Spec()
		if err != nil {
			t.Fatal(err)
		}
		m, err := maps.New(&maps.Spec{
			Name: name, Type: maps.Array, KeySize: 4, ValueSize: typ.Size(), MaxEntries: 16,
			Types: types, Key: key, Value: value,
		}, nil)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		values := randomValues(m, t, int(typ.Size()))
		compareDump(t, tool, m, types, value, values)
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	}
}

// randomValues fills an array of 16; half of them with text and zeroes.
func randomValues(m *maps.Map, t *testing.T, size int) [][]byte {
	t.Helper()
	r := rand.New(rand.NewPCG(1, 2))
	var values [][]byte
	for i := range uint32(16) {
		v := make([]byte, size)
		for j := range v {
			switch {
			case i%2 == 0:
				v[j] = byte(r.Uint32())
			case r.Uint32()%3 > 0:
				v[j] = 'a' + byte(r.Uint32()%26)
			}
		}
		if i == 0 {
			clear(v)
		}
		if err := m.Put(i, v); err != nil {
			t.Fatal(err)
		}
		values = append(values, v)
	}
	return values
}

func compareDump(t *testing.T, tool string, m *maps.Map, types *btf.Spec, id btf.ID, values [][]byte) {
	t.Helper()
	info, err := m.Info()
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(tool, "-j", "map", "dump", "id", strconv.Itoa(int(info.ID))).Output()
	if err != nil {
		t.Fatalf("bpftool: %v\n%s", err, out)
	}
	var elems []struct {
		Formatted struct {
			Key   uint32          `json:"key"`
			Value json.RawMessage `json:"value"`
		} `json:"formatted"`
	}
	if err := json.Unmarshal(out, &elems); err != nil || len(elems) != len(values) {
		t.Fatalf("%d elements, %v: %.300s", len(elems), err, out)
	}
	typ, _ := types.Type(id)
	for _, e := range elems {
		text, err := btf.AppendValue(nil, typ, values[e.Formatted.Key], &btf.ValueOptions{JSON: true})
		if err != nil {
			t.Fatal(err)
		}
		ours := flat(t, text)
		for path, v := range ours {
			ours[path] = bitsOf(types, path[strings.LastIndexByte(path, '.')+1:], v)
		}
		if diff := cmp.Diff(flat(t, e.Formatted.Value), ours); diff != "" {
			t.Errorf("%s %x (-bpftool +ours):\n%s", typ, values[e.Formatted.Key], diff)
		}
	}
}

// bitsOf is the text of a bitfield as bpftool writes it: without a sign, a name
// or a truth. Other members stay as they are.
func bitsOf(types *btf.Spec, name, text string) string {
	values := map[string]int64{"true": 1, "false": 0}
	width := uint32(0)
	for t := range types.All() {
		for i := range t.Vlen() {
			switch t.Kind() {
			case btf.KindStruct:
				m := t.Member(i)
				if m.Name != name {
					continue
				}
				width = m.BitSize
				// bpftool takes the number of an enum without a name as signed.
				to, _ := types.Strip(m.Type)
				if n, err := strconv.ParseUint(text, 10, 32); err == nil && width == 0 && to.Kind() == btf.KindEnum {
					text = strconv.Itoa(int(int32(n)))
				}
			case btf.KindEnum:
				v := t.EnumValue(i)
				values[strconv.Quote(v.Name)] = int64(v.Value)
			}
		}
	}
	if width == 0 {
		return text
	}
	v, ok := values[text]
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		v, ok = n, true
	}
	if !ok {
		return text
	}
	return fmt.Sprintf("\"0x%x\"", uint64(v)&(1<<width-1))
}

// flat reads JSON with every value by its path. bpftool gives anonymous structs
// the name "", or "(anon)"; their members count as their parent's.
func flat(t *testing.T, b []byte) map[string]string {
	t.Helper()
	all := map[string]string{}
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	var walk func(path string)
	token := func() json.Token {
		tok, err := d.Token()
		if err != nil {
			t.Fatalf("%v in %s", err, b)
		}
		return tok
	}
	walk = func(path string) {
		switch tok := token(); tok {
		case json.Delim('{'):
			for d.More() {
				if name := token().(string); name == "" || name == "(anon)" {
					walk(path)
				} else {
					walk(path + "." + name)
				}
			}
			token()
		case json.Delim('['):
			for i := 0; d.More(); i++ {
				walk(path + "." + strconv.Itoa(i))
			}
			token()
		default:
			text, err := json.Marshal(tok)
			if err != nil {
				t.Fatal(err)
			}
			all[path] = string(text)
		}
	}
	walk("")
	return all
}
