package main

import (
	"context"
	"fmt"
	"strconv"

	"github.com/skepbpf/skep"
	"github.com/skepbpf/skep/bench/peer/meter"
	"github.com/skepbpf/skep/link"
	"github.com/skepbpf/skep/maps/ringbuf"
	"github.com/skepbpf/skep/prog"
)

// record is what the programs of drain.c write.
type record struct {
	Seq  uint64
	Rest [7]uint64
}

// load loads one program of the object that the argument names.
func load(r *meter.Run, name string) (*skep.Collection, *prog.Program, error) {
	spec, err := skep.Open(r.Arg("obj"))
	if err != nil {
		return nil, nil, err
	}
	if err := spec.Only(name); err != nil {
		return nil, nil, err
	}
	coll, err := skep.Load(spec, nil)
	if err != nil {
		return nil, nil, err
	}
	p, err := coll.Program(name)
	return coll, p, err
}

// fill has p run records times.
func fill(p *prog.Program, records int) error {
	res, err := p.Run(&prog.RunOptions{Repeat: uint32(records)})
	if err == nil && res.Return != 1 {
		err = fmt.Errorf("the program wrote no record")
	}
	return err
}

// ringDrain reads records that are there from a ring buffer.
func ringDrain(r *meter.Run) error {
	records, err := strconv.Atoi(r.Arg("records"))
	if err != nil {
		return err
	}
	coll, p, err := load(r, "ring")
	if err != nil {
		return err
	}
	defer coll.Close()
	m, err := coll.Map("events")
	if err != nil {
		return err
	}
	rd, err := ringbuf.NewReader(m)
	if err != nil {
		return err
	}
	defer rd.Close()
	next := uint64(0)
	return r.MeasureUnits(records, func() error { return fill(p, records) }, func() error {
		n := 0
		for rec, err := range rd.Records(context.Background()) {
			if err != nil {
				return err
			}
			e, err := ringbuf.As[record](rec)
			if err != nil {
				return err
			}
			if e.Seq != next {
				return fmt.Errorf("record %d where %d is due", e.Seq, next)
			}
			next++
			if n++; n == records {
				break
			}
		}
		return nil
	}, nil)
}

// uprobes finds functions in an executable and attaches a program to all.
func uprobes(r *meter.Run) error {
	coll, p, err := load(r, "probe")
	if err != nil {
		return err
	}
	defer coll.Close()
	var l link.Link
	return r.MeasureUnits(1, nil, func() error {
		var err error
		l, err = link.AttachUprobeMulti(p, link.UprobeMultiOptions{Path: r.Arg("exe"), Symbols: r.List("symbols")})
		return err
	}, func() error { return l.Close() })
}
