// Command cilium is the cilium/ebpf peer of the benchmark; see meter for its
// command line. Each row does what the skep peer's row of that name does.
package main

import "github.com/skepbpf/skep/bench/peer/meter"

func main() {
	meter.Main(map[string]meter.Func{
		"cold":         cold,
		"warm":         warm,
		"parallel":     cold,
		"ksyms":        cold,
		"open":         open,
		"btf.find":     btfFind,
		"btf.visit":    btfVisit,
		"btf.build":    btfBuild,
		"btf.dedup":    btfDedup,
		"core":         core,
		"map.lookup":   mapLookup,
		"map.update":   mapUpdate,
		"map.iterate":  mapIterate,
		"batch.lookup": batchLookup,
		"batch.update": batchUpdate,
		"ringbuf":      ringDrain,
		"perf":         perfDrain,
		"uprobes":      uprobes,
		"heap":         heap,
	})
}
