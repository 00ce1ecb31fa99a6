package maps

import (
	"errors"
	"reflect"
	"sync"

	"github.com/skepbpf/skep/btf"
	"github.com/skepbpf/skep/btf/handle"
	"github.com/skepbpf/skep/internal/layout"
	"github.com/skepbpf/skep/internal/mkerr"
	"github.com/skepbpf/skep/internal/sysenc"
)

// View is a map whose keys are K and whose values are V. Their memory is handed
// to the kernel as it is: an operation allocates nothing.
//
// For a per-CPU map V is a slice, with one element for each possible CPU. For a
// map without keys, such as a Queue, K is struct{}.
type View[K, V any] struct {
	m          *Map
	key, value *sysenc.Layout // value: of one CPU
	elem       reflect.Type   // of V, if V is a slice
	cpus       int            // 0 unless per-CPU
	scratch    sync.Pool      // *[]byte of a per-CPU value
	checked    bool
}

// Typed is a view of m. It fails if K or V is no plain type (fixed-size
// integers, bools, floats, arrays and structs of them), has another size than
// m's keys or values, or is laid out otherwise than the type that the map's BTF
// names: the error, a *LayoutError, then has the first field that differs. A
// map without BTF, or whose BTF may not be read, is checked for sizes only; see
// Checked.
func Typed[K, V any](m *Map) (*View[K, V], error) {
	const verb = "typed view"
	v := &View[K, V]{m: m}
	var err error
	kt, vt := reflect.TypeFor[K](), reflect.TypeFor[V]()
	if v.key, err = sysenc.LayoutOf(kt); err != nil {
		return nil, m.fail(verb, mkerr.Wrap("key: %w", err))
	}
	if m.typ.has(perCPU) {
		if vt.Kind() != reflect.Slice {
			return nil, m.fail(verb, mkerr.Errorf("value: a %v has a value for each CPU: use []%v", m.typ, vt))
		}
		vt = vt.Elem()
		v.elem = vt
		if v.cpus, err = m.cpus(); err != nil {
			return nil, m.fail(verb, err)
		}
		n := v.cpus * m.stride()
		v.scratch.New = func() any { b := make([]byte, n); return &b }
	}
	if v.value, err = sysenc.LayoutOf(vt); err != nil {
		return nil, m.fail(verb, mkerr.Wrap("value: %w", err))
	}
	if v.checked, err = m.checkLayout(kt, vt); err != nil {
		return nil, m.fail(verb, err)
	}
	return v, nil
}

// LayoutError says in which field a Go type first differs from a C type.
type LayoutError = layout.Error

// checkLayout compares the Go types with the map's BTF, if there is one, and
// sizes where there is none for one of them.
func (m *Map) checkLayout(key, value reflect.Type) (checked bool, err error) {
	types, k, v := m.btfTypes()
	if types != nil && k != 0 {
		if err := layout.Check(key, types, k); err != nil {
			return false, mkerr.Wrap("key: %w", err)
		}
	}
	if types != nil && v != 0 {
		if err := layout.Check(value, types, v); err != nil {
			return false, mkerr.Wrap("value: %w", err)
		}
	}
	if int(key.Size()) != m.keySize {
		return false, mkerr.Errorf("key: %v has %d bytes, the map's keys have %d", key, key.Size(), m.keySize)
	}
	if int(value.Size()) != m.valueSize {
		return false, mkerr.Errorf("value: %v has %d bytes, the map's values have %d", value, value.Size(), m.valueSize)
	}
	return types != nil && v != 0, nil
}

// btfTypes is the map's BTF: that it was created with, or the kernel's copy.
func (m *Map) btfTypes() (types *btf.Spec, key, value btf.ID) {
	if m.types != nil {
		return m.types, m.key, m.value
	}
	info, err := readInfo(m.fd)
	if err != nil {
		return nil, 0, 0
	}
	if types, err = info.types(); types == nil || err != nil {
		return nil, 0, 0
	}
	return types, info.Key, info.Value
}

// types is the kernel's copy of a map's BTF; nil if it has none.
func (i *Info) types() (*btf.Spec, error) {
	if i.BTF == 0 {
		return nil, nil
	}
	h, err := handle.FromID(i.BTF)
	if err != nil {
		return nil, err
	}
	defer h.Close()
	return h.Spec(nil)
}

// Map is the map itself.
func (v *View[K, V]) Map() *Map { return v.m }

// Checked reports whether V was compared with BTF, not only its size.
func (v *View[K, V]) Checked() bool { return v.checked }

// keyBytes is the memory of *k with its padding cleared. k must be a copy that
// is the view's own.
func (v *View[K, V]) keyBytes(k *K) []byte {
	b := sysenc.Bytes(k)
	if v.key.Padded() {
		v.key.Clear(b)
	}
	return b
}

// Lookup copies the value of k to *out. A slice of per-CPU values is used if it
// has the capacity, and replaced otherwise. ErrKeyNotExist is the answer to a
// key that is not there.
func (v *View[K, V]) Lookup(k K, out *V) error {
	if v.elem != nil {
		return v.perCPU(lookup, v.keyBytes(&k), out, Any)
	}
	return v.m.elem(lookup, v.keyBytes(&k), sysenc.Bytes(out), Any)
}

// LookupAndDelete moves the value of k to *out. Requires Linux 4.20 for Queue
// and Stack, 5.14 for hashes.
func (v *View[K, V]) LookupAndDelete(k K, out *V) error {
	if v.elem != nil {
		return v.perCPU(pop, v.keyBytes(&k), out, Any)
	}
	return v.m.elem(pop, v.keyBytes(&k), sysenc.Bytes(out), Any)
}

// Update stores *val under k, replacing what is there. Per-CPU values need one
// element for each possible CPU.
func (v *View[K, V]) Update(k K, val *V) error { return v.Store(k, val, Any) }

// Put is Update with a value in place of a pointer.
func (v *View[K, V]) Put(k K, val V) error { return v.Store(k, &val, Any) }

// Store is Update with flags: NoExist fails with ErrKeyExist if k is there,
// Exist with ErrKeyNotExist if it is not.
func (v *View[K, V]) Store(k K, val *V, flags OpFlags) error {
	if v.elem != nil {
		return v.storeCPUs(v.keyBytes(&k), val, flags)
	}
	if !v.value.Padded() {
		return v.m.elem(update, v.keyBytes(&k), sysenc.Bytes(val), flags)
	}
	clean := *val // the caller's padding is not ours to write
	b := sysenc.Bytes(&clean)
	v.value.Clear(b)
	return v.m.elem(update, v.keyBytes(&k), b, flags)
}

// Delete removes k.
func (v *View[K, V]) Delete(k K) error {
	return v.m.elem(remove, v.keyBytes(&k), nil, 0)
}

// perCPU looks up the values of all CPUs, through a buffer in which each is
// rounded up to 8 bytes.
func (v *View[K, V]) perCPU(verb string, key []byte, out *V, flags OpFlags) error {
	buf := v.scratch.Get().(*[]byte)
	defer v.scratch.Put(buf)
	if err := v.m.elem(verb, key, *buf, flags); err != nil {
		return err
	}
	v.spread(*buf, sysenc.GrowSlice(out, v.elem, v.cpus))
	return nil
}

// spread copies values a stride apart to values side by side.
func (v *View[K, V]) spread(from, to []byte) {
	size, stride := v.value.Size, v.m.stride()
	for cpu := range v.cpus {
		copy(to[cpu*size:(cpu+1)*size], from[cpu*stride:])
	}
}

var errCPUs = errors.New("need one value for each possible CPU")

func (v *View[K, V]) storeCPUs(key []byte, val *V, flags OpFlags) error {
	from := sysenc.SliceMemory(val, v.elem)
	size, stride := v.value.Size, v.m.stride()
	if len(from) != v.cpus*size {
		return v.m.fail(update, mkerr.Errorf("%d values: %w (%d)", len(from)/max(size, 1), errCPUs, v.cpus))
	}
	buf := v.scratch.Get().(*[]byte)
	defer v.scratch.Put(buf)
	clear(*buf)
	for cpu := range v.cpus {
		to := (*buf)[cpu*stride : cpu*stride+size]
		copy(to, from[cpu*size:])
		v.value.Clear(to)
	}
	return v.m.elem(update, key, *buf, flags)
}
