package systest

import (
	stdmaps "maps"
	"slices"

	"github.com/skepbpf/skep/internal/sys"
)

// Maps are the live maps, by id. What they hold must not be changed.
func (k *Kernel) Maps() []*Map {
	return collect(k, func(o *object) *Map { return o.m })
}

// Progs are the live programs, by id.
func (k *Kernel) Progs() []*Prog {
	return collect(k, func(o *object) *Prog { return o.p })
}

// Links are the live links, by id.
func (k *Kernel) Links() []*Link {
	return collect(k, func(o *object) *Link { return o.l })
}

// BTFs are the live BTF objects, by id.
func (k *Kernel) BTFs() []*BTF {
	return collect(k, func(o *object) *BTF { return o.b })
}

func collect[T any](k *Kernel, get func(*object) *T) (list []*T) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, o := range k.live() {
		if v := get(o); v != nil {
			list = append(list, v)
		}
	}
	return list
}

// Lookup is a copy of the value of a key in a map, nil if there is none.
func (k *Kernel) Lookup(m *Map, key []byte) []byte {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.Clone(m.value[string(key)])
}

// Pins are the paths that something is pinned at, sorted.
func (k *Kernel) Pins() []string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.Sorted(stdmaps.Keys(k.pins))
}

// Unpin removes a pin; with the real kernel that is os.Remove.
func (k *Kernel) Unpin(path string) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.pins[path] == nil {
		return sys.ENOENT
	}
	delete(k.pins, path)
	return nil
}
