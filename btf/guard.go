package btf

import (
	"runtime"
	"sync/atomic"
	"time"
)

// guard keeps a mapping in place while it is read: close waits for those
// inside, and nobody enters after it. One guard serves all blobs of a Kernel.
// A nil guard (blobs on the heap) lets everybody in.
type guard struct{ n atomic.Int64 }

// shut is the bit that marks a closed guard; below it the readers are counted.
const shut = 1 << 62

func (g *guard) enter() bool {
	if g == nil {
		return true
	}
	if g.n.Add(1) < shut {
		return true
	}
	g.n.Add(-1)
	return false
}

func (g *guard) leave() {
	if g != nil {
		g.n.Add(-1)
	}
}

// close reports whether this call is the one that shut the guard. It returns
// when no reader is left inside. Most are through at once; one that opens
// modules may take milliseconds.
func (g *guard) close() bool {
	for {
		n := g.n.Load()
		if n >= shut {
			return false
		}
		if g.n.CompareAndSwap(n, n+shut) {
			break
		}
	}
	for n := 0; g.n.Load() != shut; n++ {
		if n < 100 {
			runtime.Gosched()
		} else {
			time.Sleep(50 * time.Microsecond)
		}
	}
	return true
}
