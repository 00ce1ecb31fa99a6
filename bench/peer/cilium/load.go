package main

import (
	"bytes"
	"os"
	"runtime"
	"slices"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"

	"github.com/skepbpf/skep/bench/peer/meter"
)

func prepare(path string, programs []string) (*ebpf.CollectionSpec, error) {
	spec, err := ebpf.LoadCollectionSpec(path)
	if err != nil {
		return nil, err
	}
	for name, p := range spec.Programs {
		if len(programs) > 0 && !slices.Contains(programs, name) {
			delete(spec.Programs, name)
		}
		if meter.Counting() {
			p.KernelVersion = 1 // else it is sought in the vDSO; no kernel since 5.0 looks at it
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
	return spec, nil
}

func cold(r *meter.Run) error {
	var coll *ebpf.Collection
	return r.MeasureUnits(1, nil, func() error {
		spec, err := prepare(r.Arg("obj"), r.List("progs"))
		if err != nil {
			return err
		}
		coll, err = ebpf.NewCollection(spec)
		return err
	}, func() error { coll.Close(); return nil })
}

func objects(r *meter.Run, each func(path string, programs []string) error) error {
	for _, path := range r.List("objs") {
		name := path[strings.LastIndexByte(path, '/')+1:]
		if err := each(path, r.List(name)); err != nil {
			return err
		}
	}
	return nil
}

func warm(r *meter.Run) error {
	cache := btf.NewCache()
	all := func() error {
		return objects(r, func(path string, programs []string) error {
			spec, err := prepare(path, programs)
			if err != nil {
				return err
			}
			coll, err := ebpf.NewCollectionWithOptions(spec, ebpf.CollectionOptions{Cache: cache})
			if err != nil {
				return err
			}
			coll.Close()
			return nil
		})
	}
	if err := all(); err != nil {
		return err
	}
	return r.Measure(all)
}

func open(r *meter.Run) error {
	b, err := os.ReadFile(r.Arg("obj"))
	if err != nil {
		return err
	}
	return r.Measure(func() error {
		_, err := ebpf.LoadCollectionSpecFromReader(bytes.NewReader(b))
		return err
	})
}

func heap(r *meter.Run) error {
	const loads = 100
	load := func() error {
		spec, err := prepare(r.Arg("obj"), r.List("progs"))
		if err != nil {
			return err
		}
		coll, err := ebpf.NewCollection(spec)
		if err != nil {
			return err
		}
		coll.Close()
		return nil
	}
	before, err := live(slices.Repeat([]func() error{load}, 5))
	if err != nil {
		return err
	}
	after, err := live(slices.Repeat([]func() error{load}, loads))
	if err != nil {
		return err
	}
	r.Value(max(0, float64(after)-float64(before)) / loads)
	return nil
}

func live(fs []func() error) (uint64, error) {
	for _, f := range fs {
		if err := f(); err != nil {
			return 0, err
		}
	}
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc, nil
}
