package main

import (
	"os"
	"runtime"

	"github.com/skepbpf/skep"
	"github.com/skepbpf/skep/maps"
)

// Sizes that stand for what an object's own tool chooses at run time.
const (
	autoEntries    = 1024
	autoRingBytes  = 64 << 10
	autoArenaPages = 16
	stackFrames    = 127 // PERF_MAX_STACK_DEPTH
)

// autosize gives every map that the object leaves without a size one that
// loads.
func autosize(spec *skep.Spec) {
	for _, m := range spec.Maps {
		autosizeMap(&m.Spec)
		if m.Inner != nil {
			autosizeMap(m.Inner)
		}
	}
}

func autosizeMap(m *maps.Spec) {
	if m.Type == maps.StackTrace && m.ValueSize == 0 {
		m.ValueSize = stackFrames * 8
	}
	if m.MaxEntries != 0 {
		return
	}
	switch m.Type {
	case maps.SkStorage, maps.InodeStorage, maps.TaskStorage, maps.CgrpStorage,
		maps.CgroupStorage, maps.PerCPUCgroupStorage, maps.StructOps:
		// The kernel wants 0.
	case maps.PerfEventArray:
		// The loader knows.
	case maps.RingBuf, maps.UserRingBuf:
		m.MaxEntries = uint32(max(autoRingBytes, os.Getpagesize()))
	case maps.Arena:
		m.MaxEntries = autoArenaPages
	case maps.CPUMap:
		m.MaxEntries = uint32(runtime.NumCPU())
	default:
		m.MaxEntries = autoEntries
	}
}
