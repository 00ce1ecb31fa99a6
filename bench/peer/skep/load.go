package main

import (
	"context"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/skepbpf/skep"
	"github.com/skepbpf/skep/bench/peer/meter"
	"github.com/skepbpf/skep/btf"
	"github.com/skepbpf/skep/maps"
)

// autosize gives maps that their tool would size at run time the same sizes in
// every peer.
func autosize(spec *skep.Spec) {
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
}

func prepare(path string, programs []string) (*skep.Spec, error) {
	spec, err := skep.Open(path)
	if err != nil {
		return nil, err
	}
	if len(programs) > 0 {
		if err := spec.Only(programs...); err != nil {
			return nil, err
		}
	}
	autosize(spec)
	return spec, nil
}

// cold opens and loads programs of an object file.
func cold(r *meter.Run) error {
	var coll *skep.Collection
	return r.MeasureUnits(1, nil, func() error {
		spec, err := prepare(r.Arg("obj"), r.List("progs"))
		if err != nil {
			return err
		}
		coll, err = skep.Load(spec, nil)
		return err
	}, func() error { return coll.Close() })
}

// share is what the time of two threads is of that of one, in percent.
func share(r *meter.Run) error {
	spec, err := prepare(r.Arg("obj"), nil)
	if err != nil {
		return err
	}
	var ns [2][]int64
	for range r.Batches {
		for i := range ns {
			start := time.Now()
			coll, err := skep.Load(spec, &skep.Options{Parallel: i + 1})
			ns[i] = append(ns[i], time.Since(start).Nanoseconds())
			if err == nil {
				err = coll.Close()
			}
			if err != nil {
				return err
			}
		}
	}
	for i := range ns {
		slices.Sort(ns[i])
	}
	if n := r.Batches / 2; r.Batches > 0 {
		r.Value(100 * float64(ns[1][n]) / float64(ns[0][n]))
	}
	return nil
}

// objects are the arguments obj0, progs0, obj1, progs1 and so on.
func objects(r *meter.Run, each func(path string, programs []string) error) error {
	for _, path := range r.List("objs") {
		name := path[strings.LastIndexByte(path, '/')+1:]
		if err := each(path, r.List(name)); err != nil {
			return err
		}
	}
	return nil
}

// warm loads several objects with one kernel BTF.
func warm(r *meter.Run) error {
	k, err := kernelBTF()
	if err != nil {
		return err
	}
	defer k.Close()
	all := func() error {
		return objects(r, func(path string, programs []string) error { return loadShared(k, path, programs) })
	}
	if err := all(); err != nil {
		return err
	}
	return r.Measure(all)
}

func loadShared(k *btf.Kernel, path string, programs []string) error {
	spec, err := prepare(path, programs)
	if err != nil {
		return err
	}
	facts, err := skep.ReadFacts(spec.Needs(), &skep.FactOptions{BTF: k})
	if err != nil {
		return err
	}
	defer facts.Close()
	plan, err := spec.Plan(facts)
	if err != nil {
		return err
	}
	coll, err := plan.Apply(context.Background(), nil)
	if err != nil {
		return err
	}
	return coll.Close()
}

// open reads an object that is in memory.
func open(r *meter.Run) error {
	b, err := os.ReadFile(r.Arg("obj"))
	if err != nil {
		return err
	}
	return r.Measure(func() error {
		_, err := skep.Read(b)
		return err
	})
}

// heap is what the heap grows by, a load, over a hundred loads.
func heap(r *meter.Run) error {
	const loads = 100
	load := func() error {
		spec, err := prepare(r.Arg("obj"), r.List("progs"))
		if err != nil {
			return err
		}
		coll, err := skep.Load(spec, nil)
		if err != nil {
			return err
		}
		return coll.Close()
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

// live is the heap in use after fs, and after two collections.
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
