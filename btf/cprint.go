package btf

import (
	"errors"
	"io"

	"github.com/skepbpf/skep/internal/bin"
	"github.com/skepbpf/skep/internal/mkerr"
)

// COptions says what WriteC prints. The zero value prints all types.
type COptions struct {
	// Roots are the types to print, with all that they need; none means all
	// own types of the Spec.
	Roots []ID
	// Guard is the macro that keeps the header from being read twice;
	// "__VMLINUX_H__" if empty.
	Guard string
	// NoAccessIndex leaves out the pragma that makes every access to the types
	// a CO-RE relocation.
	NoAccessIndex bool
	// NoKfuncs leaves out the declarations of kernel functions that programs
	// may call: FUNC types with the declaration tag "bpf_kfunc".
	NoKfuncs bool
}

// errTooMuch ends the printing of types that no compiler wrote: those that are
// written inside others, each twice, double the text with each level.
var errTooMuch = errors.New("the text would be many times longer than the types")

// errNested ends chains of types that are longer than any compiler's.
var errNested = errors.New("types nest too deeply to print")

// maxNest bounds the types that one is printed through.
const maxNest = 512

// textPerByte and textBase bound the text by the size of the blob.
const (
	textPerByte = 64
	textBase    = 256 << 10
)

// WriteC prints types as a C header, as bpftool makes vmlinux.h: in an order
// that compiles, with padding, packing and bitfields such that sizes and
// offsets are those of s, and names that clash told apart by a CO-RE flavour
// ("foo___2"). Variables and functions other than kfuncs are left out. The text
// depends on nothing but s and o. It is complete if the error is nil: types
// that nest without bound, and errors of w, end it early.
func WriteC(w io.Writer, s *Spec, o *COptions) error {
	if o == nil {
		o = &COptions{}
	}
	h := s.onHeap()
	if h == nil {
		return ErrClosed
	}
	p := newCPrinter(w, h)
	p.text("#ifndef ", o.guard(), "\n#define ", o.guard(), "\n\n")
	if !o.NoAccessIndex {
		p.text("#ifndef BPF_NO_PRESERVE_ACCESS_INDEX\n",
			"#pragma clang attribute push (__attribute__((preserve_access_index)), apply_to = record)\n#endif\n\n")
	}
	if len(o.Roots) > 0 {
		for _, id := range o.Roots {
			p.complete(id, 0)
		}
	} else {
		for _, r := range p.roots() {
			p.root(r.t)
		}
	}
	if !o.NoKfuncs {
		p.kfuncs(o.Roots)
	}
	if !o.NoAccessIndex {
		p.text("#ifndef BPF_NO_PRESERVE_ACCESS_INDEX\n#pragma clang attribute pop\n#endif\n\n")
	}
	p.text("#endif /* ", o.guard(), " */\n")
	p.flush()
	if p.err != nil {
		return mkerr.Wrap("print BTF as C: %w", p.err)
	}
	return nil
}

func (o *COptions) guard() string {
	if o.Guard == "" {
		return "__VMLINUX_H__"
	}
	return o.Guard
}

// cprinter writes C. The first error sticks and ends all printing.
type cprinter struct {
	textWriter
	s      *Spec
	ptr    uint32 // bytes
	names  cnames
	state  []cstate // by id
	layout map[ID]clayout
	tags   map[ID][]Type // declaration tags by what they belong to
	used   map[ID]bool   // anonymous enums that other types refer to
	depth  int

	completed, referred walked
}

// cstate is what was printed of a type.
type cstate uint8

const (
	forwarded cstate = 1 << iota // its name is known to the compiler
	defining                     // what it needs is being printed
	defined
)

func newCPrinter(w io.Writer, s *Spec) *cprinter {
	p := &cprinter{
		textWriter: newTextWriter(w, s),
		s:          s,
		ptr:        s.pointerSize(),
		state:      make([]cstate, s.Len()),
		layout:     make(map[ID]clayout),
		tags:       make(map[ID][]Type),
		used:       make(map[ID]bool),
		completed:  make(walked, s.Len()),
		referred:   make(walked, s.Len()),
	}
	p.names.init(s)
	for line := s; line != nil; line = line.base {
		for t := range line.All() {
			if t.Kind() == KindDeclTag {
				p.tags[t.ref()] = append(p.tags[t.ref()], t)
			}
			t.eachRef(func(id ID) {
				if to, ok := s.typ(id); ok && to.name == 0 && enumKinds.has(to.Kind()) {
					p.used[id] = true
				}
			})
		}
	}
	return p
}

// croot is a type to print, with what it is sorted by.
type croot struct {
	t    Type
	rank uint8
	name string
}

// croots are the kinds that are printed for their own sake, in this order:
// what comes first rarely needs what follows.
var croots = [kindCount]uint8{
	KindInt: 1, KindFloat: 1, KindEnum: 2, KindEnum64: 2, KindFwd: 3, KindTypedef: 4, KindStruct: 5, KindUnion: 5,
}

// roots lists the own types by kind and name, so that the text of two kernels
// differs where their types do.
func (p *cprinter) roots() []croot {
	var list []croot
	for t := range p.s.All() {
		k := t.Kind()
		if k >= kindCount || croots[k] == 0 {
			continue
		}
		r := croot{t, croots[k], t.Name()}
		if t.name == 0 && enumKinds.has(k) {
			r.name = t.EnumValue(0).Name
		} else if t.name == 0 {
			continue
		}
		list = append(list, r)
	}
	bin.Sort(list, func(a, b *croot) bool {
		switch {
		case a.rank != b.rank:
			return a.rank < b.rank
		case a.name != b.name:
			return a.name < b.name
		}
		return a.t.id < b.t.id
	})
	return list
}

// textWriter collects text and bounds it.
type textWriter struct {
	w    io.Writer
	out  []byte
	left int // bytes that may still be written
	err  error
}

func newTextWriter(w io.Writer, s *Spec) textWriter {
	n := 0
	for ; s != nil; s = s.base {
		n += len(s.raw)
	}
	return textWriter{w: w, left: textBase + textPerByte*n}
}

// text writes its arguments, or nothing after an error.
func (w *textWriter) text(parts ...string) {
	if w.err != nil {
		return
	}
	for _, s := range parts {
		if w.left -= len(s); w.left < 0 {
			w.fail(errTooMuch)
			return
		}
		w.out = append(w.out, s...)
	}
}

func (w *textWriter) fail(err error) {
	if w.err == nil {
		w.err = err
	}
}

// flushAt is how much text is gathered before it is handed on.
const flushAt = 64 << 10

// spill hands text on between two types.
func (w *textWriter) spill() {
	if len(w.out) >= flushAt {
		w.flush()
	}
}

func (w *textWriter) flush() {
	if w.err == nil && len(w.out) > 0 {
		_, err := w.w.Write(w.out)
		w.fail(err)
	}
	w.out = w.out[:0]
}
