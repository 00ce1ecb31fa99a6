package main

import (
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/skepbpf/skep"
	"github.com/skepbpf/skep/bench/peer/meter"
	"github.com/skepbpf/skep/btf"
	"github.com/skepbpf/skep/elf"
)

// kernelBTF is that of the running kernel, mapped if the kernel allows it.
func kernelBTF() (*btf.Kernel, error) {
	facts, err := skep.ReadFacts(skep.Needs{KernelBTF: true}, nil)
	if err != nil {
		return nil, err
	}
	return facts.BTF, nil
}

// kinds are the words that the runner uses.
var kinds = map[string]btf.Kind{
	"struct": btf.KindStruct, "typedef": btf.KindTypedef, "func": btf.KindFunc, "enum": btf.KindEnum,
}

func btfFind(r *meter.Run) error { return find(r, kernelBTF) }

// btfRead has the file read, as before Linux 6.16.
func btfRead(r *meter.Run) error {
	return find(r, func() (*btf.Kernel, error) { return btf.NewKernel(os.DirFS("/")), nil })
}

// find opens the kernel's BTF and finds names in one pass; those of absent are
// not there. FindType would look for them in modules too, which the other peers
// do not: that they are absent is checked when the clock has stopped.
func find(r *meter.Run, open func() (*btf.Kernel, error)) error {
	var all, present, absent []btf.Query
	for i, name := range r.List("names") {
		q := btf.Query{Name: name, Kind: kinds[r.List("kinds")[i]]}
		all = append(all, q)
		if slices.Contains(r.List("absent"), name) {
			absent = append(absent, q)
		} else {
			present = append(present, q)
		}
	}
	found := 0
	var k *btf.Kernel
	err := r.MeasureUnits(1, nil, func() (err error) {
		if k, err = open(); err != nil {
			return err
		}
		if err := k.Find(all...); err != nil {
			return err
		}
		found = 0
		for _, q := range present {
			if _, _, err := k.FindType(q.Name, q.Kind); err != nil {
				return err
			}
			found++
		}
		return nil
	}, func() error {
		s, err := k.Vmlinux()
		if err != nil {
			return err
		}
		for _, q := range absent {
			if _, ok := s.ByName(q.Name, q.Kind); ok {
				found++
			}
		}
		return k.Close()
	})
	r.Sum(fmt.Sprint(found))
	return err
}

// btfVisit reads every type of the kernel with all its members.
func btfVisit(r *meter.Run) error {
	var sum uint64
	err := r.Measure(func() error {
		k, err := kernelBTF()
		if err != nil {
			return err
		}
		s, err := k.Vmlinux()
		if err != nil {
			return err
		}
		sum = visit(s)
		return k.Close()
	})
	r.Sum(fmt.Sprintf("%#x", sum))
	return err
}

// mix is what a checksum keeps of a name: enough to have read it.
func mix(s string) uint64 {
	if s == "" {
		return 0
	}
	return uint64(len(s)) + 3*uint64(s[0]) + 7*uint64(s[len(s)-1])
}

// visit is the checksum that all peers compute: declaration tags are left out,
// which cilium/ebpf keeps elsewhere, and both kinds of enum count as one.
func visit(s *btf.Spec) uint64 {
	var sum uint64
	for t := range s.All() {
		kind := t.Kind()
		switch kind {
		case btf.KindDeclTag, btf.KindVoid:
			continue
		case btf.KindEnum64:
			kind = btf.KindEnum
		}
		sum = sum*31 + uint64(kind) + mix(t.Name())
		if kind != btf.KindStruct && kind != btf.KindUnion {
			continue
		}
		for i := range t.Vlen() {
			m := t.Member(i)
			sum = sum*31 + mix(m.Name) + uint64(m.Type) + uint64(m.Offset)
		}
	}
	return sum
}

// unit is an object's distinct relocations.
type unit struct {
	types *btf.Spec
	relos []*btf.CORERelo
}

// core resolves every distinct relocation of many objects once, when all types
// that they name are known.
func core(r *meter.Run) error {
	var units []unit
	n := 0
	err := objects(r, func(path string, _ []string) error {
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		o, err := elf.Parse(b)
		if err != nil {
			return err
		}
		u := unit{types: o.Types}
		seen := map[btf.CORERelo]bool{}
		for i := range o.Notes {
			if c := o.Notes[i].CORE; c != nil && !seen[*c] {
				seen[*c] = true
				u.relos = append(u.relos, c)
			}
		}
		units, n = append(units, u), n+len(u.relos)
		return nil
	})
	if err != nil {
		return err
	}
	if n == 0 {
		return errors.New("no relocations")
	}
	k, err := kernelBTF()
	if err != nil {
		return err
	}
	defer k.Close()
	for _, u := range units {
		if err := btf.NewRelocator(u.types, k).Prepare(u.relos); err != nil {
			return err
		}
	}
	r.Note(fmt.Sprintf("%d relocations", n))
	return r.MeasureUnits(n, nil, func() error {
		for _, u := range units {
			rel := btf.NewRelocator(u.types, k)
			for _, c := range u.relos {
				if _, err := rel.Resolve(c); err != nil {
					return err
				}
			}
		}
		return nil
	}, nil)
}
