package asm_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/skepbpf/skep/asm"
	"github.com/skepbpf/skep/internal/bin"
	"github.com/skepbpf/skep/internal/fuzztest"
)

func TestEncodeBothOrders(t *testing.T) {
	for _, tt := range []struct {
		name           string
		in             asm.Instruction
		little, bigEnd string
	}{
		{"registers swap nibbles", asm.ALUReg(asm.OpAdd, asm.R1, asm.R2),
			"\x0f\x21\x00\x00\x00\x00\x00\x00", "\x0f\x12\x00\x00\x00\x00\x00\x00"},
		{"offset and immediate", asm.StoreImm(asm.RFP, -8, 0x11223344, asm.SizeW),
			"\x62\x0a\xf8\xff\x44\x33\x22\x11", "\x62\xa0\xff\xf8\x11\x22\x33\x44"},
		{"negative immediate", asm.Mov(asm.R3, -2),
			"\xb7\x03\x00\x00\xfe\xff\xff\xff", "\xb7\x30\x00\x00\xff\xff\xff\xfe"},
		{"wide", asm.LoadImm64(asm.R1, -0x123456789abcdef0),
			"\x18\x01\x00\x00\x10\x21\x43\x65\x00\x00\x00\x00\x87\xa9\xcb\xed",
			"\x18\x10\x00\x00\x65\x43\x21\x10\x00\x00\x00\x00\xed\xcb\xa9\x87"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for order, want := range map[binary.ByteOrder]string{binary.LittleEndian: tt.little, binary.BigEndian: tt.bigEnd} {
				got, err := asm.Instructions{tt.in}.AppendEncode([]byte("x"), order)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff([]byte("x"+want), got); diff != "" {
					t.Errorf("%v: %s", order, diff)
				}
				back, err := asm.Decode(got[1:], order)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(asm.Instructions{tt.in}, back); diff != "" {
					t.Errorf("%v: %s", order, diff)
				}
			}
		})
	}
}

func TestDecodeErrors(t *testing.T) {
	for _, tt := range []struct {
		name, in string
		offset   int64
		msg      string
	}{
		{"short", "\x95\x00\x00", 0, "not a multiple"},
		{"tail", "\x95\x00\x00\x00\x00\x00\x00\x00\x95", 8, "not a multiple"},
		{"half a wide one", "\x95\x00\x00\x00\x00\x00\x00\x00\x18\x00\x00\x00\x00\x00\x00\x00", 8, "without its second slot"},
		{"opcode in second slot", "\x18\x00\x00\x00\x00\x00\x00\x00\x95\x00\x00\x00\x00\x00\x00\x00", 8, "reserved"},
		{"register in second slot", "\x18\x00\x00\x00\x00\x00\x00\x00\x00\x10\x00\x00\x00\x00\x00\x00", 8, "reserved"},
		{"offset in second slot", "\x18\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00", 8, "reserved"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := asm.Decode([]byte(tt.in), binary.LittleEndian)
			var fe *bin.FormatError
			if !errors.As(err, &fe) {
				t.Fatalf("got %v, want a FormatError", err)
			}
			if fe.Offset != tt.offset || !strings.Contains(fe.Msg, tt.msg) {
				t.Errorf("got %v, want offset %d and %q", fe, tt.offset, tt.msg)
			}
		})
	}
}

func TestEncodeErrors(t *testing.T) {
	for _, tt := range []struct {
		name string
		in   asm.Instruction
		msg  string
	}{
		{"immediate too large", asm.Instruction{Op: 0xb7, Imm: math.MaxInt32 + 1}, "does not fit 32 bits"},
		{"immediate too small", asm.Instruction{Op: 0xb7, Imm: math.MinInt32 - 1}, "does not fit 32 bits"},
		{"register", asm.MovReg(16, 0), "does not fit 4 bits"},
		{"label", asm.Label("x"), "not assembled"},
		{"jump to label", asm.Ja("x"), "not assembled"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := asm.Instructions{asm.Exit(), tt.in}.AppendEncode(nil, binary.LittleEndian)
			if err == nil || !strings.Contains(err.Error(), tt.msg) || !strings.Contains(err.Error(), "instruction 1: ") {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestDecodeMemoryIsBounded(t *testing.T) {
	b := bytes.Repeat([]byte{0x95, 0, 0, 0, 0, 0, 0, 0}, 1<<17)
	var ins asm.Instructions
	var err error
	fuzztest.Check(t, len(b), func() { ins, err = asm.Decode(b, binary.LittleEndian) })
	if err != nil || len(ins) != 1<<17 {
		t.Fatal(len(ins), err)
	}
}

func benchCode(b *testing.B) []byte {
	ins := make(asm.Instructions, 0, 10000)
	for len(ins) < 10000 {
		ins = append(ins, asm.LoadMem(asm.R1, asm.R6, 8, asm.SizeDW), asm.Add(asm.R1, 3),
			asm.StoreMem(asm.RFP, -8, asm.R1, asm.SizeDW), asm.LoadImm64(asm.R2, 1<<40), asm.Call(1))
	}
	raw, err := ins.AppendEncode(nil, binary.LittleEndian)
	if err != nil {
		b.Fatal(err)
	}
	return raw
}

func BenchmarkDecode(b *testing.B) {
	raw := benchCode(b)
	b.SetBytes(int64(len(raw)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := asm.Decode(raw, binary.LittleEndian); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAppendEncode(b *testing.B) {
	raw := benchCode(b)
	ins, err := asm.Decode(raw, binary.LittleEndian)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(raw)))
	b.ReportAllocs()
	for b.Loop() {
		if raw, err = ins.AppendEncode(raw[:0], binary.LittleEndian); err != nil {
			b.Fatal(err)
		}
	}
}
