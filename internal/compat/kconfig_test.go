package compat

import (
	"encoding/hex"
	"encoding/json"
	"os/exec"
	"testing"

	"github.com/skepbpf/skep"
	"github.com/skepbpf/skep/internal/testutil"
)

// configs are texts of config files that both loaders are given, with the
// object whose externs they set.
var configs = []struct {
	object, text string
}{
	{object: "kconfig", text: ""},
	{object: "kconfig", text: "CONFIG_HZ=1234\nCONFIG_DEFAULT_HOSTNAME=\"a much longer name than fits\"\n"},
	{object: "kconfig", text: "CONFIG_SKEP_ABSENT=-77\nCONFIG_SKEP_ABSENT_BOOL=y\nCONFIG_BPF_JIT=m\n"},
	{object: "kconfig", text: "CONFIG_NR_CPUS=65536\n"},
	{object: "kconfig", text: "CONFIG_HZ=y\n"},
	{object: "kconfig_types", text: ""},
	{object: "kconfig_types", text: "CONFIG_SKEP_BOOL=y\nCONFIG_SKEP_TRISTATE=m\nCONFIG_SKEP_CHAR=y\nCONFIG_SKEP_U8=255\n" +
		"CONFIG_SKEP_S16=-32768\nCONFIG_SKEP_U16=0xffff\nCONFIG_SKEP_S32=0x7fffffff\nCONFIG_SKEP_U32=0xffffffff\n" +
		"CONFIG_SKEP_S64=-1\nCONFIG_SKEP_U64=18446744073709551615\nCONFIG_SKEP_STRING=\"abc\"\n"},
	{object: "kconfig_types", text: "CONFIG_SKEP_BOOL=n\nCONFIG_SKEP_TRISTATE=y\nCONFIG_SKEP_CHAR=-128\nCONFIG_SKEP_U8=m\nCONFIG_SKEP_STRING=\"\"\n"},
	{object: "kconfig_types", text: "CONFIG_SKEP_S32=010\nCONFIG_SKEP_U32=0X1F\nCONFIG_SKEP_STRING=\"seven77\"\n"},
	{object: "kconfig_types", text: "CONFIG_SKEP_S32=1\nCONFIG_SKEP_S32=2\n"},
	{object: "kconfig_types", text: "# CONFIG_SKEP_S32 is not set\nCONFIG_OTHER=zzz\nCONFIG_SKEP_S32=3"},
	{object: "kconfig_types", text: "CONFIG_SKEP_BOOL=m\n"},
	{object: "kconfig_types", text: "CONFIG_SKEP_BOOL=1\n"},
	{object: "kconfig_types", text: "CONFIG_SKEP_BOOL=\"y\"\n"},
	{object: "kconfig_types", text: "CONFIG_SKEP_TRISTATE=2\n"},
	{object: "kconfig_types", text: "CONFIG_SKEP_CHAR=128\n"},
	{object: "kconfig_types", text: "CONFIG_SKEP_U8=256\n"},
	{object: "kconfig_types", text: "CONFIG_SKEP_U8=-1\n"},
	{object: "kconfig_types", text: "CONFIG_SKEP_S16=32768\n"},
	{object: "kconfig_types", text: "CONFIG_SKEP_S16=-32769\n"},
	{object: "kconfig_types", text: "CONFIG_SKEP_U16=65536\n"},
	{object: "kconfig_types", text: "CONFIG_SKEP_S32=2147483648\n"},
	{object: "kconfig_types", text: "CONFIG_SKEP_U32=4294967296\n"},
	{object: "kconfig_types", text: "CONFIG_SKEP_U64=18446744073709551616\n"},
	{object: "kconfig_types", text: "CONFIG_SKEP_S64=y\n"},
	{object: "kconfig_types", text: "CONFIG_SKEP_S64=1x\n"},
	{object: "kconfig_types", text: "CONFIG_SKEP_S64=\n"},
	{object: "kconfig_types", text: "CONFIG_SKEP_S64=\"1\"\n"},
	{object: "kconfig_types", text: "CONFIG_SKEP_STRING=abc\n"},
	{object: "kconfig_types", text: "CONFIG_SKEP_STRING=\"abc\n"},
	{object: "kconfig_types", text: "CONFIG_SKEP_STRING=y\n"},
	{object: "kconfig_types", text: "CONFIG_SKEP_STRING=1\n"},
	{object: "kconfig_strong", text: "CONFIG_SKEP_ABSENT=5\n"},
	{object: "kconfig_strong", text: ""},
}

// TestKconfig gives both loaders the same values: the same ones are refused,
// and otherwise the .kconfig maps are the same.
func TestKconfig(t *testing.T) {
	testutil.NeedRoot(t)
	oracle := oraclePath(t)
	objects := map[string]object{}
	for _, o := range ownObjects(t) {
		objects[o.name] = o
	}
	both := 0
	for _, tt := range configs {
		o, ok := objects[tt.object]
		if !ok {
			t.Fatalf("no object %s", tt.object)
		}
		want := oracleKconfig(t, oracle, tt.text, o.path)
		got, err := skepKconfig(o, tt.text)
		switch {
		case err == nil && want.OK:
			both++
			want.Kconfig = withoutWrapper(t, o, want.Kconfig)
			if got = withoutWrapper(t, o, got); got != want.Kconfig {
				t.Errorf("%s with %q:\nskep   %s\nlibbpf %s", tt.object, tt.text, got, want.Kconfig)
			}
		case err == nil:
			t.Errorf("%s with %q: libbpf refuses it (%s), skep does not", tt.object, tt.text, want.Error)
		case want.OK:
			t.Errorf("%s with %q: libbpf takes it, skep does not: %v", tt.object, tt.text, err)
		}
	}
	t.Logf("%d of %d are taken by both", both, len(configs))
	if both < 8 {
		t.Error("too few")
	}
}

// withoutWrapper clears LINUX_HAS_SYSCALL_WRAPPER where the kernel has no kprobes:
// libbpf asks by attaching one, skep looks at the kernel's symbols.
func withoutWrapper(t *testing.T, o object, contents string) string {
	t.Helper()
	spec, err := skep.Read(o.data)
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range spec.Externs() {
		if x.Name == "LINUX_HAS_SYSCALL_WRAPPER" && !testutil.HasConfig(t, "CONFIG_KPROBES") {
			at := x.Offset * 2
			return contents[:at] + "00" + contents[at+2:]
		}
	}
	return contents
}

type kconfigVerdict struct {
	OK             bool
	Error, Kconfig string
}

func oracleKconfig(t *testing.T, oracle, text, path string) (v kconfigVerdict) {
	t.Helper()
	out, err := exec.Command(oracle, "kconfig", text, path).Output()
	if err != nil {
		t.Fatalf("oracle: %v", err)
	}
	if err := json.Unmarshal(out, &v); err != nil {
		t.Fatalf("oracle line %q: %v", out, err)
	}
	return v
}

// skepKconfig gives the contents of the object's .kconfig map.
func skepKconfig(o object, text string) (string, error) {
	spec, err := skep.Read(o.data)
	if err != nil {
		return "", err
	}
	for _, p := range spec.Programs {
		p.Policy = skep.Required // libbpf looks at the object's externs, used or not
	}
	coll, err := skep.Load(spec, &skep.Options{Config: &skep.Config{Text: []byte(text)}})
	if err != nil {
		return "", err
	}
	defer coll.Close()
	m, err := coll.Map(".kconfig")
	if err != nil {
		return "", err
	}
	b, err := m.LookupBytes(make([]byte, 4))
	return hex.EncodeToString(b), err
}
