package bin

import "strings"

// part is how much is copied at a time. An allocation of megabytes often begins
// a collection, which has to stop the goroutine for a moment. Within one copy to
// memory that is faulted in meanwhile it cannot, and sends signal after signal
// until the copy is through, which makes 5 ms of it 30.
const part = 64 << 10

// Clone is a copy of b, which may be large.
func Clone(b []byte) []byte {
	c := make([]byte, len(b))
	for n := 0; n < len(b); {
		n += copyPart(c[n:], b[n:])
	}
	return c
}

// String is a copy of b, which may be large.
func String(b []byte) string {
	var s strings.Builder
	s.Grow(len(b))
	for len(b) > 0 {
		n := min(len(b), part)
		writePart(&s, b[:n])
		b = b[n:]
	}
	return s.String()
}

// A goroutine stops where a function begins.
//
//go:noinline
func copyPart(dst, src []byte) int { return copy(dst, src[:min(len(src), part)]) }

//go:noinline
func writePart(s *strings.Builder, b []byte) { s.Write(b) }
