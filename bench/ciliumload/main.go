// Command ciliumload does with cilium/ebpf what skepload does with skep.
package main

import (
	"fmt"
	"log"
	"os"
	"slices"
	"time"

	"github.com/cilium/ebpf"
)

func main() {
	if len(os.Args) < 3 {
		log.Fatal("usage: ciliumload OBJ PROGRAM...")
	}
	start := time.Now()
	spec, err := ebpf.LoadCollectionSpec(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	for name := range spec.Programs {
		if !slices.Contains(os.Args[2:], name) {
			delete(spec.Programs, name)
		}
	}
	for _, m := range spec.Maps {
		m.Pinning = ebpf.PinNone
		switch {
		case m.Type == ebpf.StackTrace && m.ValueSize == 0:
			m.ValueSize = 127 * 8
		case m.Type == ebpf.RingBuf && m.MaxEntries == 0:
			m.MaxEntries = 64 << 10
		}
		if m.MaxEntries == 0 && m.Type != ebpf.PerfEventArray {
			m.MaxEntries = 1024
		}
	}
	coll, err := ebpf.NewCollection(spec)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("{\"total_ns\":%d}\n", time.Since(start).Nanoseconds())
	coll.Close()
}
