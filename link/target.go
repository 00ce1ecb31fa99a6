package link

import (
	"strconv"
	"strings"

	"github.com/skepbpf/skep/internal/mkerr"
)

// KprobeTarget is what SEC("kprobe/[module:]func+off") names.
type KprobeTarget struct {
	Module string // "" if none is named
	Symbol string
	Offset uint64 // bytes from the symbol
}

// ParseKprobeTarget parses "[module:]func[+off]": the text after the first '/' of a
// kprobe or kretprobe section. The name is made of letters, digits, '_' and
// '.'; the offset is decimal, octal (0…) or hexadecimal (0x…).
func ParseKprobeTarget(s string) (KprobeTarget, error) {
	name, off, has := strings.Cut(s, "+")
	module, fn, in := strings.Cut(name, ":")
	if !in {
		module, fn = "", name
	} else if module == "" || strings.ContainsAny(module, "./") {
		return KprobeTarget{}, mkerr.Named("kprobe target %q: no module", shown(s))
	}
	name = fn
	for i := 0; i < len(name); i++ {
		if !isWord(name[i]) && name[i] != '.' {
			return KprobeTarget{}, mkerr.Errorf("kprobe target %q: bad character %q", shown(s), name[i])
		}
	}
	if name == "" {
		return KprobeTarget{}, mkerr.Named("kprobe target %q: no function", shown(s))
	}
	t := KprobeTarget{Module: module, Symbol: name}
	if has {
		n, err := strconv.ParseUint(off, 0, 63)
		if err != nil {
			return KprobeTarget{}, mkerr.Errorf("kprobe target %q: bad offset %q", shown(s), shown(off))
		}
		t.Offset = n
	}
	return t, nil
}

// UprobeTarget is what SEC("uprobe/path:func+off") names.
type UprobeTarget struct {
	Path   string // as written: may be a bare name that is searched for
	Symbol string // may carry a version: "func@VER" or "func@@VER"
	Offset uint64 // bytes from the symbol
}

// ParseUprobeTarget parses "path:func[@VER][+off]": the text after the first
// '/' of a uprobe or uretprobe section. An absolute path follows a second '/'.
// A function's name may hold any character, as those of C++ and Go do: only
// a number after the last '+' is an offset.
func ParseUprobeTarget(s string) (UprobeTarget, error) {
	path, fn, ok := strings.Cut(s, ":")
	if !ok || path == "" || fn == "" {
		return UprobeTarget{}, mkerr.Named("uprobe target %q: want path:function[+offset]", shown(s))
	}
	t := UprobeTarget{Path: path, Symbol: fn}
	if i := strings.LastIndexByte(fn, '+'); i > 0 {
		if n, err := strconv.ParseUint(fn[i+1:], 0, 63); err == nil {
			t.Symbol, t.Offset = fn[:i], n
		}
	}
	return t, nil
}

// ParseTracepointTarget parses "category/name": the text after the first '/'
// of a tracepoint section.
func ParseTracepointTarget(s string) (category, name string, err error) {
	category, name, _ = strings.Cut(s, "/")
	if err := checkTracepoint(category, name); err != nil {
		return "", "", err
	}
	return category, name, nil
}

// checkTracepoint keeps both names single, harmless path elements.
func checkTracepoint(category, name string) error {
	for _, s := range [...]string{category, name} {
		if s == "" || s == "." || s == ".." || strings.ContainsAny(s, "/\x00") {
			return mkerr.Named("tracepoint %q: want category/name", shown(category)+"/"+shown(name))
		}
	}
	return nil
}

// ParseTracingTarget parses "[module:]function": the text after the first '/'
// of fentry, fexit and fmod_ret sections.
func ParseTracingTarget(s string) (module, function string, err error) {
	module, function, ok := strings.Cut(s, ":")
	if !ok {
		module, function = "", s
	}
	if function == "" || ok && module == "" {
		return "", "", mkerr.Named("tracing target %q: want [module:]function", shown(s))
	}
	return module, function, nil
}

func isWord(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

// shown cuts what an error repeats of a target: section names may be as long
// as their object.
//
//go:noinline
func shown(s string) string {
	const most = 512
	if len(s) > most {
		return s[:most] + "…"
	}
	return s
}
