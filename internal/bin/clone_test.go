package bin

import (
	"bytes"
	"testing"
)

func TestClone(t *testing.T) {
	for _, n := range []int{0, 1, part - 1, part, part + 1, 3*part + 5} {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte(i ^ i>>8)
		}
		c, s := Clone(b), String(b)
		if !bytes.Equal(c, b) || s != string(b) {
			t.Errorf("copies of %d bytes differ", n)
		}
		for i := range b {
			b[i]++
		}
		if n > 0 && (c[n-1] == b[n-1] || s[0] == b[0]) {
			t.Errorf("copies of %d bytes change with them", n)
		}
	}
}
