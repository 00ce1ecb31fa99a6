package main

import (
	"fmt"

	"github.com/skepbpf/skep/bench/peer/meter"
	"github.com/skepbpf/skep/btf"
)

// kernelSpec is the kernel's types, on the heap: to visit them puts them there.
func kernelSpec() (*btf.Kernel, *btf.Spec, error) {
	k, err := kernelBTF()
	if err != nil {
		return nil, nil, err
	}
	s, err := k.Vmlinux()
	if err != nil {
		return nil, nil, err
	}
	visit(s)
	return k, s, nil
}

// btfBuild adds every type of the kernel to new BTF and encodes that.
func btfBuild(r *meter.Run) error {
	k, s, err := kernelSpec()
	if err != nil {
		return err
	}
	defer k.Close()
	var blob []byte
	err = r.Measure(func() error {
		b := btf.NewBuilder(nil)
		for t := range s.All() {
			b.AddType(t)
		}
		blob, err = b.Bytes()
		return err
	})
	if err != nil || meter.Counting() { // what follows is no part of the row
		return err
	}
	built, err := btf.Parse(blob)
	if err != nil {
		return err
	}
	n := 0
	for t := range built.All() {
		if t.Kind() != btf.KindDeclTag {
			n++
		}
	}
	r.Sum(fmt.Sprint(n))
	r.Note(fmt.Sprintf("%d bytes", len(blob)))
	return nil
}

// btfDedup merges the kernel's types.
func btfDedup(r *meter.Run) error {
	k, s, err := kernelSpec()
	if err != nil {
		return err
	}
	defer k.Close()
	var out *btf.Rewritten
	err = r.Measure(func() error {
		out, err = btf.Dedup(s, nil)
		return err
	})
	if err == nil && out != nil {
		r.Note(fmt.Sprintf("%d types left", out.Types.Len()-1))
	}
	return err
}
