package main

import (
	"bytes"
	"fmt"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// readCPIO reads an archive back as lines of "mode name rdev data".
func readCPIO(b []byte) ([]string, error) {
	var out []string
	off := 0
	for {
		if len(b)-off < 110 || string(b[off:off+6]) != "070701" {
			return nil, fmt.Errorf("no header at %d", off)
		}
		var f [13]int
		for i := range f {
			v, err := strconv.ParseUint(string(b[off+6+8*i:off+14+8*i]), 16, 32)
			if err != nil {
				return nil, err
			}
			f[i] = int(v)
		}
		name := off + 110
		data := (name + f[11] + 3) &^ 3
		end := data + f[6]
		if end > len(b) || b[name+f[11]-1] != 0 {
			return nil, fmt.Errorf("bad sizes at %d", off)
		}
		n := string(b[name : name+f[11]-1])
		off = (end + 3) &^ 3
		if n == cpioTrailer {
			if off != len(b) {
				return nil, fmt.Errorf("%d bytes after the trailer", len(b)-off)
			}
			return out, nil
		}
		out = append(out, fmt.Sprintf("%o %s %d,%d %q", f[1], n, f[9], f[10], b[data:end]))
	}
}

func TestCPIO(t *testing.T) {
	var b bytes.Buffer
	c := newCPIO(&b)
	c.dir("dev")
	c.device("/dev/console", 5, 1)
	c.file("a/b/c.txt", 0o644, []byte("abc"))
	c.file("a/b/d", 0o755, nil)
	c.file("a//b/d", 0o644, []byte("the first of a name stays"))
	c.symlink("a/e", "b/d")
	for i := range 5 { // every remainder of alignment
		c.file(fmt.Sprint("x", i), 0o600, bytes.Repeat([]byte("y"), i))
	}
	if err := c.close(); err != nil {
		t.Fatal(err)
	}
	got, err := readCPIO(b.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		`40755 dev 0,0 ""`, `20600 dev/console 5,1 ""`,
		`40755 a 0,0 ""`, `40755 a/b 0,0 ""`, `100644 a/b/c.txt 0,0 "abc"`, `100755 a/b/d 0,0 ""`, `120777 a/e 0,0 "b/d"`,
		`100600 x0 0,0 ""`, `100600 x1 0,0 "y"`, `100600 x2 0,0 "yy"`, `100600 x3 0,0 "yyy"`, `100600 x4 0,0 "yyyy"`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if err := newCPIO(&b).close(); err == nil {
		t.Error("an empty archive passes")
	}
}
