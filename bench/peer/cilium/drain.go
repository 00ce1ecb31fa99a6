package main

import (
	"encoding/binary"
	"fmt"
	"strconv"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"github.com/cilium/ebpf/perf"
	"github.com/cilium/ebpf/ringbuf"

	"github.com/skepbpf/skep/bench/peer/meter"
)

// load loads one program of the object that the argument names.
func load(r *meter.Run, name string) (*ebpf.Collection, *ebpf.Program, error) {
	spec, err := prepare(r.Arg("obj"), []string{name})
	if err != nil {
		return nil, nil, err
	}
	coll, err := ebpf.NewCollection(spec)
	if err != nil {
		return nil, nil, err
	}
	return coll, coll.Programs[name], nil
}

func fill(p *ebpf.Program, records int) error {
	ret, err := p.Run(&ebpf.RunOptions{Data: make([]byte, 64), Repeat: uint32(records)})
	if err == nil && ret != 1 {
		err = fmt.Errorf("the program wrote no record")
	}
	return err
}

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
	rd, err := ringbuf.NewReader(coll.Maps["events"])
	if err != nil {
		return err
	}
	defer rd.Close()
	var rec ringbuf.Record
	next := uint64(0)
	return r.MeasureUnits(records, func() error { return fill(p, records) }, func() error {
		for range records {
			if err := rd.ReadInto(&rec); err != nil {
				return err
			}
			if seq := binary.NativeEndian.Uint64(rec.RawSample); seq != next {
				return fmt.Errorf("record %d where %d is due", seq, next)
			}
			next++
		}
		return nil
	}, nil)
}

// perfDrain reads records that are there from a perf event array.
func perfDrain(r *meter.Run) error {
	records, err := strconv.Atoi(r.Arg("records"))
	if err != nil {
		return err
	}
	coll, p, err := load(r, "perf")
	if err != nil {
		return err
	}
	defer coll.Close()
	rd, err := perf.NewReader(coll.Maps["samples"], 8<<20)
	if err != nil {
		return err
	}
	defer rd.Close()
	var rec perf.Record
	next := uint64(0)
	return r.MeasureUnits(records, func() error { return fill(p, records) }, func() error {
		for range records {
			if err := rd.ReadInto(&rec); err != nil {
				return err
			}
			if rec.LostSamples != 0 {
				return fmt.Errorf("%d records lost", rec.LostSamples)
			}
			next += 1 - binary.NativeEndian.Uint64(rec.RawSample) // records of two CPUs come in any order
		}
		return nil
	}, nil)
}

func uprobes(r *meter.Run) error {
	coll, p, err := load(r, "probe")
	if err != nil {
		return err
	}
	defer coll.Close()
	var l link.Link
	return r.MeasureUnits(1, nil, func() error {
		exe, err := link.OpenExecutable(r.Arg("exe"))
		if err != nil {
			return err
		}
		l, err = exe.UprobeMulti(r.List("symbols"), p, nil)
		return err
	}, func() error { return l.Close() })
}
