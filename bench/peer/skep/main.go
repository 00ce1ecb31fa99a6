// Command skep is the skep peer of the benchmark; see meter for its command line.
package main

import "github.com/skepbpf/skep/bench/peer/meter"

func main() {
	meter.Main(map[string]meter.Func{
		"cold":           cold,
		"warm":           warm,
		"parallel":       cold,
		"parallel.share": share,
		"ksyms":          cold,
		"open":           open,
		"btf.find":       btfFind,
		"btf.read":       btfRead,
		"btf.visit":      btfVisit,
		"btf.build":      btfBuild,
		"btf.dedup":      btfDedup,
		"core":           core,
		"map.lookup":     mapLookup,
		"map.update":     mapUpdate,
		"map.iterate":    mapIterate,
		"batch.lookup":   batchLookup,
		"batch.update":   batchUpdate,
		"ringbuf":        ringDrain,
		"uprobes":        uprobes,
		"heap":           heap,
	})
}
