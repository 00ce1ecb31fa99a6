package main

import (
	"bytes"
	"fmt"

	"github.com/cilium/ebpf/btf"

	"github.com/skepbpf/skep/bench/peer/meter"
)

// kernelTypes decodes all of the kernel's types.
func kernelTypes() ([]btf.Type, error) {
	s, err := btf.LoadKernelSpec()
	if err != nil {
		return nil, err
	}
	var types []btf.Type
	for t, err := range s.All() {
		if err != nil {
			return nil, err
		}
		types = append(types, t)
	}
	return types, nil
}

func btfBuild(r *meter.Run) error {
	types, err := kernelTypes()
	if err != nil {
		return err
	}
	var blob []byte
	err = r.Measure(func() error {
		b, err := btf.NewBuilder(types, nil)
		if err != nil {
			return err
		}
		blob, err = b.Marshal(nil, nil)
		return err
	})
	if err != nil || meter.Counting() { // what follows is no part of the row
		return err
	}
	built, err := btf.LoadSpecFromReader(bytes.NewReader(blob))
	if err != nil {
		return err
	}
	n := 0
	for t, err := range built.All() {
		if err != nil {
			return err
		}
		if kind, _, _ := kindOf(t); kind != 0 {
			n++
		}
	}
	r.Sum(fmt.Sprint(n))
	r.Note(fmt.Sprintf("%d bytes", len(blob)))
	return nil
}

// btfDedup merges types into equal ones, which is what the library does when it
// builds; the result is not encoded.
func btfDedup(r *meter.Run) error {
	var types []btf.Type
	return r.MeasureUnits(1, func() (err error) {
		types, err = kernelTypes() // merging changes them
		return err
	}, func() error {
		_, err := btf.NewBuilder(types, &btf.BuilderOptions{Deduplicate: true})
		return err
	}, nil)
}
