package main

import (
	"encoding/binary"
	"fmt"

	"github.com/skepbpf/skep/bench/peer/meter"
	"github.com/skepbpf/skep/maps"
)

const entries = 10_000

// filled is a hash with the keys 0 to entries-1, each with its own double.
func filled() (*maps.Map, *maps.View[uint32, uint64], error) {
	m, err := maps.New(&maps.Spec{Name: "bench", Type: maps.Hash, KeySize: 4, ValueSize: 8, MaxEntries: entries}, nil)
	if err != nil {
		return nil, nil, err
	}
	v, err := maps.Typed[uint32, uint64](m)
	if err != nil {
		return nil, nil, err
	}
	for k := range uint32(entries) {
		if err := v.Put(k, uint64(k)*2); err != nil {
			return nil, nil, err
		}
	}
	return m, v, nil
}

// walk gives the keys in an order that no cache foresees, without end.
type walk uint32

func (w *walk) next() uint32 {
	*w += 7919
	return uint32(*w) % entries
}

func mapLookup(r *meter.Run) error {
	m, v, err := filled()
	if err != nil {
		return err
	}
	defer m.Close()
	var w walk
	return r.Measure(func() error {
		var out uint64
		k := w.next()
		if err := v.Lookup(k, &out); err != nil {
			return err
		}
		if out != uint64(k)*2 {
			return fmt.Errorf("value of %d is %d", k, out)
		}
		return nil
	})
}

func mapUpdate(r *meter.Run) error {
	m, v, err := filled()
	if err != nil {
		return err
	}
	defer m.Close()
	var w walk
	return r.Measure(func() error {
		k := w.next()
		val := uint64(k) * 2
		return v.Update(k, &val)
	})
}

func checkPass(n int, sum uint64) error {
	if n != entries || sum != entries*(entries-1) {
		return fmt.Errorf("%d elements with the sum %d", n, sum)
	}
	return nil
}

func mapIterate(r *meter.Run) error {
	m, v, err := filled()
	if err != nil {
		return err
	}
	defer m.Close()
	return r.MeasureUnits(entries, nil, func() error {
		n, sum := 0, uint64(0)
		pass := v.Iterate()
		for _, val := range pass.All() {
			n, sum = n+1, sum+val
		}
		if err := pass.Err(); err != nil {
			return err
		}
		return checkPass(n, sum)
	}, nil)
}

const batch = 1000

func batchLookup(r *meter.Run) error {
	m, _, err := filled()
	if err != nil {
		return err
	}
	defer m.Close()
	keys, values := make([]byte, 4*batch), make([]byte, 8*batch)
	return r.MeasureUnits(entries, nil, func() error {
		n, sum := 0, uint64(0)
		var c maps.Cursor
		for done := false; !done; {
			var got int
			var err error
			if got, done, err = m.LookupBatch(&c, keys, values, 0); err != nil {
				return err
			}
			for i := range got {
				sum += binary.NativeEndian.Uint64(values[8*i:])
			}
			n += got
		}
		return checkPass(n, sum)
	}, nil)
}

func batchUpdate(r *meter.Run) error {
	m, _, err := filled()
	if err != nil {
		return err
	}
	defer m.Close()
	keys, values := make([]byte, 4*entries), make([]byte, 8*entries)
	for i := range entries {
		binary.NativeEndian.PutUint32(keys[4*i:], uint32(i))
		binary.NativeEndian.PutUint64(values[8*i:], uint64(i)*2)
	}
	return r.MeasureUnits(entries, nil, func() error {
		for at := 0; at < entries; at += batch {
			n, err := m.UpdateBatch(keys[4*at:4*(at+batch)], values[8*at:8*(at+batch)], 0)
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
