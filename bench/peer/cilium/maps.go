package main

import (
	"errors"
	"fmt"

	"github.com/cilium/ebpf"

	"github.com/skepbpf/skep/bench/peer/meter"
)

const entries = 10_000

func filled() (*ebpf.Map, error) {
	m, err := ebpf.NewMap(&ebpf.MapSpec{Name: "bench", Type: ebpf.Hash, KeySize: 4, ValueSize: 8, MaxEntries: entries})
	if err != nil {
		return nil, err
	}
	for k := range uint32(entries) {
		if err := m.Put(k, uint64(k)*2); err != nil {
			return nil, err
		}
	}
	return m, nil
}

type walk uint32

func (w *walk) next() uint32 {
	*w += 7919
	return uint32(*w) % entries
}

func mapLookup(r *meter.Run) error {
	m, err := filled()
	if err != nil {
		return err
	}
	defer m.Close()
	var w walk
	var k uint32
	var out uint64
	return r.Measure(func() error {
		k = w.next()
		if err := m.Lookup(&k, &out); err != nil {
			return err
		}
		if out != uint64(k)*2 {
			return fmt.Errorf("value of %d is %d", k, out)
		}
		return nil
	})
}

func mapUpdate(r *meter.Run) error {
	m, err := filled()
	if err != nil {
		return err
	}
	defer m.Close()
	var w walk
	var k uint32
	var val uint64
	return r.Measure(func() error {
		k = w.next()
		val = uint64(k) * 2
		return m.Update(&k, &val, ebpf.UpdateAny)
	})
}

func checkPass(n int, sum uint64) error {
	if n != entries || sum != entries*(entries-1) {
		return fmt.Errorf("%d elements with the sum %d", n, sum)
	}
	return nil
}

func mapIterate(r *meter.Run) error {
	m, err := filled()
	if err != nil {
		return err
	}
	defer m.Close()
	return r.MeasureUnits(entries, nil, func() error {
		n, sum := 0, uint64(0)
		var k uint32
		var val uint64
		it := m.Iterate()
		for it.Next(&k, &val) {
			n, sum = n+1, sum+val
		}
		if err := it.Err(); err != nil {
			return err
		}
		return checkPass(n, sum)
	}, nil)
}

const batch = 1000

func batchLookup(r *meter.Run) error {
	m, err := filled()
	if err != nil {
		return err
	}
	defer m.Close()
	keys, values := make([]uint32, batch), make([]uint64, batch)
	return r.MeasureUnits(entries, nil, func() error {
		n, sum := 0, uint64(0)
		var c ebpf.MapBatchCursor
		for {
			got, err := m.BatchLookup(&c, keys, values, nil)
			for _, val := range values[:got] {
				sum += val
			}
			n += got
			if errors.Is(err, ebpf.ErrKeyNotExist) {
				return checkPass(n, sum)
			}
			if err != nil {
				return err
			}
		}
	}, nil)
}

func batchUpdate(r *meter.Run) error {
	m, err := filled()
	if err != nil {
		return err
	}
	defer m.Close()
	keys, values := make([]uint32, entries), make([]uint64, entries)
	for i := range keys {
		keys[i], values[i] = uint32(i), uint64(i)*2
	}
	return r.MeasureUnits(entries, nil, func() error {
		for at := 0; at < entries; at += batch {
			n, err := m.BatchUpdate(keys[at:at+batch], values[at:at+batch], nil)
			if err != nil {
				return err
			}
			if n != batch {
				return fmt.Errorf("%d of %d updated", n, batch)
			}
		}
		return nil
	}, nil)
}
