// Command skepload opens and loads programs of an object with skep, and prints
// how long that took: {"total_ns":N}.
package main

import (
	"fmt"
	"log"
	"os"
	"time"

	"github.com/skepbpf/skep"
	"github.com/skepbpf/skep/maps"
)

func main() {
	if len(os.Args) < 3 {
		log.Fatal("usage: skepload OBJ PROGRAM...")
	}
	start := time.Now()
	spec, err := skep.Open(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	if err := spec.Only(os.Args[2:]...); err != nil {
		log.Fatal(err)
	}
	for _, m := range spec.Maps {
		m.Pinning = 0
		switch {
		case m.Type == maps.StackTrace && m.ValueSize == 0:
			m.ValueSize = 127 * 8
		case m.Type == maps.RingBuf && m.MaxEntries == 0:
			m.MaxEntries = 64 << 10
		}
		if m.MaxEntries == 0 && m.Type != maps.PerfEventArray {
			m.MaxEntries = 1024
		}
	}
	coll, err := skep.Load(spec, nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("{\"total_ns\":%d}\n", time.Since(start).Nanoseconds())
	if err := coll.Close(); err != nil {
		log.Fatal(err)
	}
}
