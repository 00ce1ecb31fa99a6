package maps

import "github.com/skepbpf/skep/internal/mkerr"

// CopyTo stores the elements of m in another map with the same keys. convert
// makes a new value, which begins as zeros, of an old one; of a per-CPU map,
// for each CPU. nil copies as many bytes as both have. It gives the number of
// elements. What changes in m meanwhile may be missed.
func (m *Map) CopyTo(to *Map, convert func(to, from []byte)) (n int, err error) {
	if m.keySize != to.keySize || m.typ.PerCPU() != to.typ.PerCPU() {
		return 0, mkerr.Errorf("map %s: copy to map %s: their keys, or values of CPUs, are not alike", m.name, to.name)
	}
	if convert == nil {
		convert = func(to, from []byte) { copy(to, from) }
	}
	size, err := to.valueLen(Any)
	if err != nil {
		return 0, m.fail("copy", err)
	}
	fresh := make([]byte, size)
	from, into := m.valueSize, to.valueSize
	if m.typ.PerCPU() {
		from, into = m.stride(), to.stride()
	}
	var failed error
	err = m.walk(func(key, value []byte) bool {
		clear(fresh)
		for i := 0; i*into < len(fresh); i++ {
			convert(fresh[i*into:i*into+to.valueSize], value[i*from:i*from+m.valueSize])
		}
		if failed = to.Update(key, fresh, Any); failed != nil {
			return false
		}
		n++
		return true
	})
	if err = mkerr.Join(err, failed); err != nil {
		return n, mkerr.WrapNamed("map %s: copy: %w", m.name, err)
	}
	return n, nil
}
