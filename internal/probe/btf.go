package probe

import (
	"encoding/binary"

	"github.com/skepbpf/skep/internal/sys"
)

// Kinds of BTF (include/uapi/linux/btf.h).
const (
	kindInt       = 1
	kindPtr       = 2
	kindFunc      = 12
	kindFuncProto = 13
	kindVar       = 14
	kindDatasec   = 15
	kindFloat     = 16
	kindDeclTag   = 17
	kindTypeTag   = 18
	kindEnum64    = 19
)

const (
	funcStatic = 0
	funcGlobal = 1
	intSigned  = 1<<24 | 32 // signed, offset 0, 32 bits
)

func kindInfo(kind, vlen uint32) uint32 { return kind<<24 | vlen }

// typeInt is a signed int of 4 bytes; it is type 1 of most blobs here.
func typeInt(name uint32) []uint32 { return []uint32{name, kindInfo(kindInt, 0), 4, intSigned} }

// btfBlob makes BTF of types and strings. layout goes between the two, in the
// longer header of Linux 7.1; nil for none.
func btfBlob(strs string, layout []uint32, types ...[]uint32) []byte {
	var words []uint32
	for _, t := range types {
		words = append(words, t...)
	}
	typeLen, layoutLen := uint32(len(words)*4), uint32(len(layout)*4)
	hdrLen := uint32(24)
	if layout != nil {
		hdrLen = 32
	}
	b := binary.NativeEndian.AppendUint16(nil, 0xeb9f)
	b = append(b, 1, 0) // version, flags
	header := []uint32{hdrLen, 0, typeLen, typeLen + layoutLen, uint32(len(strs)), typeLen, layoutLen}
	for _, w := range header[:(hdrLen-4)/4] {
		b = binary.NativeEndian.AppendUint32(b, w)
	}
	for _, w := range append(words, layout...) {
		b = binary.NativeEndian.AppendUint32(b, w)
	}
	return append(b, strs...)
}

func (a *asker) loadBTF(blob []byte) (*sys.FD, error) {
	attr := sys.BtfLoadAttr{Btf: sys.BytesPtr(blob), BtfSize: uint32(len(blob))}
	if a.token != 0 {
		attr.BtfFlags, attr.BtfTokenFd = sys.BPF_F_TOKEN_FD, int32(a.token)
	}
	return sys.BtfLoad(&attr)
}

// tryBTF loads a blob.
func (a *asker) tryBTF(blob []byte) error {
	fd, err := a.loadBTF(blob)
	if err != nil {
		return err
	}
	return fd.Close()
}

// The blobs. Numbers in a type that are no sizes are offsets into the strings
// and ids of the types before it.

func blobInt() []byte { return btfBlob("\x00int\x00", nil, typeInt(1)) }

func blobFunc() []byte       { return funcBlob(funcStatic) }
func blobGlobalFunc() []byte { return funcBlob(funcGlobal) }

// "static int x" in a section.
func blobDatasec() []byte { return datasecBlob("\x00x\x00.data\x00") }
func blobQmark() []byte   { return datasecBlob("\x00x\x00?.data\x00") }

func blobFloat() []byte {
	return btfBlob("\x00float\x00", nil, []uint32{1, kindInfo(kindFloat, 0), 4})
}

func blobEnum64() []byte {
	return btfBlob("\x00enum64\x00", nil, []uint32{1, kindInfo(kindEnum64, 0), 8})
}

func blobTypeTag() []byte {
	return btfBlob("\x00tag\x00", nil, typeInt(0),
		[]uint32{1, kindInfo(kindTypeTag, 0), 1},
		[]uint32{0, kindInfo(kindPtr, 0), 2})
}

func blobDeclTag() []byte {
	return btfBlob("\x00tag\x00", nil, typeInt(0),
		[]uint32{1, kindInfo(kindVar, 0), 1, 0},
		[]uint32{1, kindInfo(kindDeclTag, 0), 2, ^uint32(0)})
}

// blobLayout says of kinds 0 and 1 how long their records are.
func blobLayout() []byte {
	return btfBlob("\x00int\x00", layoutOf([2]byte{0, 0}, [2]byte{4, 0}), typeInt(1))
}

// layoutOf packs struct btf_layout { u8 info_sz, elem_sz; u16 flags }.
func layoutOf(kinds ...[2]byte) []uint32 {
	var l []uint32
	for _, k := range kinds {
		l = append(l, binary.NativeEndian.Uint32([]byte{k[0], k[1], 0, 0}))
	}
	return l
}

// blobCtx is "int a(void *a)" and "int b(void *b)", whose argument is tagged
// as the context.
func blobCtx() []byte {
	return btfBlob("\x00a\x00b\x00arg:ctx\x00", nil,
		typeInt(1),
		[]uint32{0, kindInfo(kindPtr, 0), 0},
		[]uint32{0, kindInfo(kindFuncProto, 1), 1, 1, 2},
		[]uint32{1, kindInfo(kindFunc, funcGlobal), 3},
		[]uint32{0, kindInfo(kindFuncProto, 1), 1, 3, 2},
		[]uint32{3, kindInfo(kindFunc, funcGlobal), 5},
		[]uint32{5, kindInfo(kindDeclTag, 0), 6, 0})
}

// funcBlob is "void x(int a)".
func funcBlob(linkage uint32) []byte {
	return btfBlob("\x00int\x00x\x00a\x00", nil, typeInt(1),
		[]uint32{0, kindInfo(kindFuncProto, 1), 0, 7, 1},
		[]uint32{5, kindInfo(kindFunc, linkage), 2})
}

func datasecBlob(strs string) []byte {
	return btfBlob(strs, nil, typeInt(0),
		[]uint32{1, kindInfo(kindVar, 0), 1, 0},
		[]uint32{3, kindInfo(kindDatasec, 1), 4, 2, 0, 4})
}
