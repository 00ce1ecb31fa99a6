package prog

import (
	"encoding/binary"

	"github.com/skepbpf/skep/btf"
	"github.com/skepbpf/skep/internal/sys"
)

// Bounds of what is read of one program: a million instructions, each of which
// the verifier may have turned into several, and what belongs to them.
const (
	maxXlated = 64 << 20
	maxJITed  = 256 << 20
	maxRecord = 4 << 20 // records of a table
	maxSize   = 1 << 10 // bytes of a record
)

// raw is what the kernel gives of a program.
type raw struct {
	info   sys.ProgInfo
	insns  []byte
	jited  []byte
	ksyms  []uint64
	lens   []uint32
	tags   [][8]byte
	funcs  []btf.FuncInfo // offsets in slots
	lines  []btf.LineInfo
	jlines []uint64
	mapIDs []uint32
}

// readRaw asks for the counts, and then for what they count. A count that stays
// 0 asks for nothing, so a kernel is never asked for what it does not know.
func readRaw(fd int) (*raw, error) {
	var n sys.ProgInfo
	if err := sys.ObjGetInfoByFD(fd, &n); err != nil {
		return nil, err
	}
	r := &raw{
		insns:  make([]byte, min(n.XlatedProgLen, maxXlated)),
		jited:  make([]byte, min(n.JitedProgLen, maxJITed)),
		ksyms:  make([]uint64, min(n.NrJitedKsyms, maxRecord)),
		lens:   make([]uint32, min(n.NrJitedFuncLens, maxRecord)),
		tags:   make([][8]byte, min(n.NrProgTags, maxRecord)),
		mapIDs: make([]uint32, min(n.NrMapIds, maxMapIDs)),
	}
	funcs := table(n.NrFuncInfo, n.FuncInfoRecSize)
	lines := table(n.NrLineInfo, n.LineInfoRecSize)
	jlines := table(n.NrJitedLineInfo, n.JitedLineInfoRecSize)
	r.info = sys.ProgInfo{
		XlatedProgLen: uint32(len(r.insns)), XlatedProgInsns: sys.BytesPtr(r.insns),
		JitedProgLen: uint32(len(r.jited)), JitedProgInsns: sys.BytesPtr(r.jited),
		NrJitedKsyms: uint32(len(r.ksyms)), JitedKsyms: sys.SlicePtr(r.ksyms),
		NrJitedFuncLens: uint32(len(r.lens)), JitedFuncLens: sys.SlicePtr(r.lens),
		NrProgTags: uint32(len(r.tags)), ProgTags: sys.SlicePtr(r.tags),
		NrMapIds: uint32(len(r.mapIDs)), MapIds: sys.SlicePtr(r.mapIDs),
		NrFuncInfo: count(funcs, n.FuncInfoRecSize), FuncInfoRecSize: sizeOf(funcs, n.FuncInfoRecSize), FuncInfo: sys.BytesPtr(funcs),
		NrLineInfo: count(lines, n.LineInfoRecSize), LineInfoRecSize: sizeOf(lines, n.LineInfoRecSize), LineInfo: sys.BytesPtr(lines),
		NrJitedLineInfo: count(jlines, n.JitedLineInfoRecSize), JitedLineInfoRecSize: sizeOf(jlines, n.JitedLineInfoRecSize),
		JitedLineInfo: sys.BytesPtr(jlines),
	}
	if err := sys.ObjGetInfoByFD(fd, &r.info); err != nil {
		return nil, err
	}
	r.insns = r.insns[:min(int(r.info.XlatedProgLen), len(r.insns))]
	r.mapIDs = r.mapIDs[:min(int(r.info.NrMapIds), len(r.mapIDs))]
	r.hide()
	r.records(funcs, lines, jlines)
	return r, nil
}

// hide drops what the kernel did not fill in: it then clears the pointer.
func (r *raw) hide() {
	if r.info.XlatedProgInsns.IsNull() {
		r.insns = nil
	}
	if r.info.JitedProgInsns.IsNull() {
		r.jited = nil
	}
	if r.info.JitedKsyms.IsNull() {
		r.ksyms = nil
	}
	if r.info.JitedFuncLens.IsNull() {
		r.lens = nil
	}
}

// records decodes the tables, whose records may be longer than what is known of
// them here.
func (r *raw) records(funcs, lines, jlines []byte) {
	word := func(b []byte, i int) uint32 { return binary.NativeEndian.Uint32(b[4*i:]) }
	if size := int(r.info.FuncInfoRecSize); size >= funcInfoSize {
		for ; len(funcs) >= size; funcs = funcs[size:] {
			r.funcs = append(r.funcs, btf.FuncInfo{Off: word(funcs, 0), Type: btf.ID(word(funcs, 1))})
		}
	}
	if size := int(r.info.LineInfoRecSize); size >= lineInfoSize {
		for ; len(lines) >= size; lines = lines[size:] {
			at := btf.Line{File: word(lines, 1), Text: word(lines, 2), LineCol: word(lines, 3)}
			r.lines = append(r.lines, btf.LineInfo{Off: word(lines, 0), Line: at})
		}
	}
	if size := int(r.info.JitedLineInfoRecSize); size >= 8 && !r.info.JitedLineInfo.IsNull() {
		for ; len(jlines) >= size; jlines = jlines[size:] {
			r.jlines = append(r.jlines, binary.NativeEndian.Uint64(jlines))
		}
	}
}

// table is room for n records.
func table(n, size uint32) []byte {
	if size == 0 || size > maxSize {
		return nil
	}
	return make([]byte, min(n, maxRecord)*size)
}

func count(table []byte, size uint32) uint32 {
	if len(table) == 0 {
		return 0
	}
	return uint32(len(table)) / size
}

// sizeOf is the size of a record if there are any: of none the kernel wants 0,
// and sets it.
func sizeOf(table []byte, size uint32) uint32 {
	if len(table) == 0 {
		return 0
	}
	return size
}
