package kernel

import (
	"bytes"
	"encoding/binary"

	"github.com/skepbpf/skep/internal/mkerr"
)

// gzipMagic starts a gzip stream (RFC 1952, section 2.3.1) of deflated data.
var gzipMagic = []byte{0x1f, 0x8b, 8}

// Flags of a gzip header.
const (
	gzipHeaderCRC = 1 << 1
	gzipExtra     = 1 << 2
	gzipName      = 1 << 3
	gzipComment   = 1 << 4
	gzipReserved  = 0xe0
)

// gzipFixed is the size of a header without optional parts, gzipTail that of
// the checksum and length at the end.
const gzipFixed, gzipTail = 10, 8

// maxRatio is more than a byte of deflated data can stand for: 258 bytes for
// two bits.
const maxRatio = 1032

// gunzip decompresses one gzip stream, to at most limit bytes.
func gunzip(b []byte, limit int) ([]byte, error) {
	if len(b) < gzipFixed+gzipTail {
		return nil, errTruncated
	}
	flags := b[3]
	if flags&gzipReserved != 0 {
		return nil, mkerr.Errorf("gzip flags %#x", flags)
	}
	tail := b[len(b)-gzipTail:]
	b = b[gzipFixed : len(b)-gzipTail]
	if flags&gzipExtra != 0 {
		if len(b) < 2 || len(b)-2 < int(binary.LittleEndian.Uint16(b)) {
			return nil, errTruncated
		}
		b = b[2+int(binary.LittleEndian.Uint16(b)):]
	}
	for _, text := range [...]byte{gzipName, gzipComment} {
		if flags&text == 0 {
			continue
		}
		end := bytes.IndexByte(b, 0)
		if end < 0 {
			return nil, errTruncated
		}
		b = b[end+1:]
	}
	if flags&gzipHeaderCRC != 0 {
		b = b[min(2, len(b)):]
	}
	// The size at the end is what came in, modulo 2^32: limit is below that.
	size := uint64(binary.LittleEndian.Uint32(tail[4:]))
	switch {
	case size > uint64(limit):
		return nil, errInflated
	case size > maxRatio*uint64(len(b)):
		return nil, errDeflate
	}
	out, err := inflate(b, int(size))
	if err != nil {
		return nil, err
	}
	if size != uint64(len(out)) || binary.LittleEndian.Uint32(tail) != crc32(out) {
		return nil, errDeflate
	}
	return out, nil
}

// crc32 is the checksum of RFC 1952, section 8, four bits at a time.
func crc32(b []byte) uint32 {
	var table [16]uint32
	for i := range table {
		c := uint32(i)
		for range 4 {
			c = c>>1 ^ 0xedb88320&-(c&1)
		}
		table[i] = c
	}
	c := ^uint32(0)
	for _, v := range b {
		c ^= uint32(v)
		c = c>>4 ^ table[c&15]
		c = c>>4 ^ table[c&15]
	}
	return ^c
}
