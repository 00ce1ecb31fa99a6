package main

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"

	"github.com/skepbpf/skep/bench/peer/meter"
)

// finders are TypeByName of one kind.
var finders = map[string]func(s *btf.Spec, name string) error{
	"struct":  find[*btf.Struct],
	"typedef": find[*btf.Typedef],
	"func":    find[*btf.Func],
	"enum":    find[*btf.Enum],
}

func find[T btf.Type](s *btf.Spec, name string) error {
	var t T
	return s.TypeByName(name, &t)
}

func btfFind(r *meter.Run) error {
	found := 0
	err := r.Measure(func() error {
		s, err := btf.LoadKernelSpec()
		if err != nil {
			return err
		}
		found = 0
		for i, name := range r.List("names") {
			err := finders[r.List("kinds")[i]](s, name)
			if err == nil {
				found++
			} else if !errors.Is(err, btf.ErrNotFound) {
				return err
			}
		}
		return nil
	})
	r.Sum(fmt.Sprint(found))
	return err
}

func btfVisit(r *meter.Run) error {
	var sum uint64
	err := r.Measure(func() error {
		s, err := btf.LoadKernelSpec()
		if err != nil {
			return err
		}
		sum, err = visit(s)
		return err
	})
	r.Sum(fmt.Sprintf("%#x", sum))
	return err
}

func mix(s string) uint64 {
	if s == "" {
		return 0
	}
	return uint64(len(s)) + 3*uint64(s[0]) + 7*uint64(s[len(s)-1])
}

// kindOf is the number of a kind in the BTF format, with the members and the
// name of t.
func kindOf(t btf.Type) (kind uint64, name string, members []btf.Member) {
	name = t.TypeName()
	switch t := t.(type) {
	case *btf.Int:
		return 1, name, nil
	case *btf.Pointer:
		return 2, name, nil
	case *btf.Array:
		return 3, name, nil
	case *btf.Struct:
		return 4, name, t.Members
	case *btf.Union:
		return 5, name, t.Members
	case *btf.Enum:
		return 6, name, nil
	case *btf.Fwd:
		return 7, name, nil
	case *btf.Typedef:
		return 8, name, nil
	case *btf.Volatile:
		return 9, name, nil
	case *btf.Const:
		return 10, name, nil
	case *btf.Restrict:
		return 11, name, nil
	case *btf.Func:
		return 12, name, nil
	case *btf.FuncProto:
		return 13, name, nil
	case *btf.Var:
		return 14, name, nil
	case *btf.Datasec:
		return 15, name, nil
	case *btf.Float:
		return 16, name, nil
	case *btf.TypeTag:
		return 18, t.Value, nil
	}
	return 0, name, nil
}

func visit(s *btf.Spec) (uint64, error) {
	var sum uint64
	for t, err := range s.All() {
		if err != nil {
			return 0, err
		}
		kind, name, members := kindOf(t)
		if kind == 0 {
			continue
		}
		sum = sum*31 + kind + mix(name)
		for i := range members {
			m := &members[i]
			id, err := s.TypeID(m.Type)
			if err != nil {
				return 0, err
			}
			sum = sum*31 + mix(m.Name) + uint64(id) + uint64(m.Offset)
		}
	}
	return sum, nil
}

func core(r *meter.Run) error {
	var units [][]*btf.CORERelocation
	var order binary.ByteOrder
	n := 0
	err := objects(r, func(path string, _ []string) error {
		spec, err := ebpf.LoadCollectionSpec(path)
		if err != nil {
			return err
		}
		order = spec.ByteOrder
		seen := map[string]bool{}
		var relos []*btf.CORERelocation
		for _, p := range spec.Programs {
			for i := range p.Instructions {
				c := btf.CORERelocationMetadata(&p.Instructions[i])
				if c == nil || seen[fmt.Sprint(c)] {
					continue
				}
				seen[fmt.Sprint(c)] = true
				relos = append(relos, c)
			}
		}
		units, n = append(units, relos), n+len(relos)
		return nil
	})
	if err != nil {
		return err
	}
	if n == 0 {
		return errors.New("no relocations")
	}
	kernel, err := btf.LoadKernelSpec()
	if err != nil {
		return err
	}
	targets := []*btf.Spec{kernel}
	all := func() error {
		for _, relos := range units {
			id := func(btf.Type) (btf.TypeID, error) { return 1, nil }
			if _, err := btf.CORERelocate(relos, targets, order, id); err != nil {
				return err
			}
		}
		return nil
	}
	if err := all(); err != nil {
		return err
	}
	r.Note(fmt.Sprintf("%d relocations", n))
	return r.MeasureUnits(n, nil, all, nil)
}
