package systest

import (
	"bytes"
	"encoding/binary"
	"os"
	"slices"
	"unsafe"

	"github.com/skepbpf/skep/internal/feature"
	"github.com/skepbpf/skep/internal/sys"
)

// Map is a fake map.
type Map struct {
	ID     uint32
	Name   string
	Attr   sys.MapCreateAttr // without its pointers
	Frozen bool

	cpus  int
	keys  [][]byte // in order of insertion
	value map[string][]byte
}

// arrayTypes have all their keys from the start: u32 below MaxEntries.
var arrayTypes = []sys.MapType{
	sys.BPF_MAP_TYPE_ARRAY, sys.BPF_MAP_TYPE_PERCPU_ARRAY,
}

// slotTypes are arrays whose slots are empty at first and hold descriptors.
var slotTypes = []sys.MapType{
	sys.BPF_MAP_TYPE_PROG_ARRAY, sys.BPF_MAP_TYPE_PERF_EVENT_ARRAY, sys.BPF_MAP_TYPE_CGROUP_ARRAY,
	sys.BPF_MAP_TYPE_ARRAY_OF_MAPS, sys.BPF_MAP_TYPE_DEVMAP, sys.BPF_MAP_TYPE_SOCKMAP,
	sys.BPF_MAP_TYPE_CPUMAP, sys.BPF_MAP_TYPE_XSKMAP, sys.BPF_MAP_TYPE_REUSEPORT_SOCKARRAY,
}

var percpuTypes = []sys.MapType{
	sys.BPF_MAP_TYPE_PERCPU_ARRAY, sys.BPF_MAP_TYPE_PERCPU_HASH, sys.BPF_MAP_TYPE_LRU_PERCPU_HASH,
}

// keyless types have no key; ringbufs no value either.
var keyless = []sys.MapType{
	sys.BPF_MAP_TYPE_RINGBUF, sys.BPF_MAP_TYPE_USER_RINGBUF, sys.BPF_MAP_TYPE_ARENA,
	sys.BPF_MAP_TYPE_QUEUE, sys.BPF_MAP_TYPE_STACK, sys.BPF_MAP_TYPE_BLOOM_FILTER,
}

// noEntries are types whose max_entries is 0.
var noEntries = []sys.MapType{
	sys.BPF_MAP_TYPE_CGROUP_STORAGE, sys.BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE, sys.BPF_MAP_TYPE_SK_STORAGE,
	sys.BPF_MAP_TYPE_INODE_STORAGE, sys.BPF_MAP_TYPE_TASK_STORAGE, sys.BPF_MAP_TYPE_CGRP_STORAGE,
}

func (k *Kernel) mapCreate(a *sys.MapCreateAttr) (uintptr, sys.Errno) {
	isKeyless, zero := slices.Contains(keyless, a.MapType), slices.Contains(noEntries, a.MapType)
	switch {
	case a.MapType == 0 || a.MapType > sys.BPF_MAP_TYPE_RHASH,
		(a.KeySize == 0) != isKeyless,
		(a.MaxEntries == 0) != zero,
		(slices.Contains(arrayTypes, a.MapType) || slices.Contains(slotTypes, a.MapType)) && a.KeySize != 4,
		a.MapType == sys.BPF_MAP_TYPE_ARRAY && a.ValueSize == 0,
		a.MapType == sys.BPF_MAP_TYPE_RINGBUF && (a.ValueSize != 0 || a.MaxEntries&(a.MaxEntries-1) != 0 || a.MaxEntries%4096 != 0),
		a.MapName[len(a.MapName)-1] != 0:
		return 0, sys.EINVAL
	}
	if errno := k.oldMap(a); errno != 0 {
		return 0, errno
	}
	if a.MapType == sys.BPF_MAP_TYPE_ARRAY_OF_MAPS || a.MapType == sys.BPF_MAP_TYPE_HASH_OF_MAPS {
		if o := k.find(int(a.InnerMapFd)); o == nil || o.m == nil {
			return 0, sys.EBADF
		}
	}
	if a.BtfFd != 0 {
		if o := k.find(int(a.BtfFd)); o == nil || o.b == nil {
			return 0, sys.EBADF
		}
	}
	plain := *a
	plain.ExclProgHash = sys.Pointer{}
	m := &Map{Name: sys.NameString(a.MapName[:]), Attr: plain, cpus: k.CPUs, value: map[string][]byte{}}
	if slices.Contains(arrayTypes, a.MapType) && a.MaxEntries <= 1<<20 {
		for i := range a.MaxEntries {
			m.put(binary.NativeEndian.AppendUint32(nil, i), make([]byte, m.valueSize()))
		}
	}
	return k.add(&object{m: m})
}

// valueSize is the number of bytes that user space passes for a value.
func (m *Map) valueSize() int {
	n := int(m.Attr.ValueSize)
	if slices.Contains(percpuTypes, m.Attr.MapType) {
		return (n + 7) &^ 7 * max(m.cpus, 1)
	}
	return n
}

// fileSize is how many bytes of a map's file can be mapped: without them an
// access would end the process. A ring buffer has its data twice, behind a page
// for each position (kernel/bpf/ringbuf.c).
func (m *Map) fileSize() int64 {
	if m == nil {
		return 0
	}
	page, n := int64(os.Getpagesize()), int64(m.Attr.MaxEntries)
	switch {
	case m.Attr.MapType == sys.BPF_MAP_TYPE_RINGBUF, m.Attr.MapType == sys.BPF_MAP_TYPE_USER_RINGBUF:
		return 2*page + 2*n
	case m.Attr.MapType == sys.BPF_MAP_TYPE_ARENA:
		return n * page
	case m.Attr.MapFlags&sys.BPF_F_MMAPABLE != 0:
		return (n*int64((m.Attr.ValueSize+7)&^7) + page - 1) / page * page
	}
	return 0
}

func (m *Map) put(key, value []byte) {
	if _, ok := m.value[string(key)]; !ok {
		m.keys = append(m.keys, key)
	}
	m.value[string(key)] = value
}

// holds are the ids of the maps or programs in m's slots.
func (m *Map) holds() (ids []uint32) {
	switch m.Attr.MapType {
	case sys.BPF_MAP_TYPE_PROG_ARRAY, sys.BPF_MAP_TYPE_ARRAY_OF_MAPS, sys.BPF_MAP_TYPE_HASH_OF_MAPS:
		for _, v := range m.value {
			ids = append(ids, binary.NativeEndian.Uint32(v))
		}
	}
	return ids
}

// read copies n bytes out of the caller's memory.
func read(p sys.Pointer, n int) []byte {
	if p.IsNull() || n == 0 {
		return nil
	}
	return bytes.Clone(unsafe.Slice((*byte)(p.Raw()), n))
}

// write copies b into the caller's memory.
func write(p sys.Pointer, b []byte) {
	if !p.IsNull() && len(b) > 0 {
		copy(unsafe.Slice((*byte)(p.Raw()), len(b)), b)
	}
}

// cstring reads up to a NUL.
func cstring(p sys.Pointer) string {
	if p.IsNull() {
		return ""
	}
	var b []byte
	for at := p.Raw(); *(*byte)(at) != 0; at = unsafe.Add(at, 1) {
		b = append(b, *(*byte)(at))
	}
	return string(b)
}

func (k *Kernel) mapOf(fd uint32) *Map {
	if o := k.find(int(fd)); o != nil {
		return o.m
	}
	return nil
}

func (k *Kernel) lookup(a *sys.MapElemAttr) (uintptr, sys.Errno) {
	m := k.mapOf(a.MapFd)
	if m == nil {
		return 0, sys.EBADF
	}
	v, ok := m.value[string(read(a.Key, int(m.Attr.KeySize)))]
	if !ok {
		return 0, sys.ENOENT
	}
	write(a.Value, v)
	return 0, 0
}

func (k *Kernel) update(a *sys.MapElemAttr) (uintptr, sys.Errno) {
	m := k.mapOf(a.MapFd)
	if m == nil {
		return 0, sys.EBADF
	}
	key, value := read(a.Key, int(m.Attr.KeySize)), read(a.Value, m.valueSize())
	_, have := m.value[string(key)]
	switch {
	case m.Frozen:
		return 0, sys.EPERM
	case have && a.Flags&3 == sys.BPF_NOEXIST:
		return 0, sys.EEXIST
	case !have && a.Flags&3 == sys.BPF_EXIST:
		return 0, sys.ENOENT
	case !have && (len(m.value) >= int(m.Attr.MaxEntries) || slices.Contains(arrayTypes, m.Attr.MapType)):
		return 0, sys.E2BIG
	case slices.Contains(slotTypes, m.Attr.MapType) && binary.NativeEndian.Uint32(key) >= m.Attr.MaxEntries:
		return 0, sys.E2BIG
	}
	if errno := k.resolve(m, value); errno != 0 {
		return 0, errno
	}
	m.put(key, value)
	return 0, 0
}

// resolve turns the descriptor in a slot's value into an id, as the kernel
// shows it on lookup.
func (k *Kernel) resolve(m *Map, value []byte) sys.Errno {
	if typ := m.Attr.MapType; typ != sys.BPF_MAP_TYPE_PROG_ARRAY && typ != sys.BPF_MAP_TYPE_ARRAY_OF_MAPS && typ != sys.BPF_MAP_TYPE_HASH_OF_MAPS {
		return 0
	}
	o := k.find(int(binary.NativeEndian.Uint32(value)))
	if o == nil || (o.p != nil) != (m.Attr.MapType == sys.BPF_MAP_TYPE_PROG_ARRAY) {
		return sys.EBADF
	}
	binary.NativeEndian.PutUint32(value, o.id)
	return 0
}

func (k *Kernel) delete(a *sys.MapElemAttr) (uintptr, sys.Errno) {
	m := k.mapOf(a.MapFd)
	if m == nil {
		return 0, sys.EBADF
	}
	key := read(a.Key, int(m.Attr.KeySize))
	switch _, ok := m.value[string(key)]; {
	case m.Frozen:
		return 0, sys.EPERM
	case slices.Contains(arrayTypes, m.Attr.MapType):
		return 0, sys.EINVAL
	case !ok:
		return 0, sys.ENOENT
	}
	delete(m.value, string(key))
	m.keys = slices.DeleteFunc(m.keys, func(b []byte) bool { return bytes.Equal(b, key) })
	return 0, 0
}

func (k *Kernel) lookupAndDelete(a *sys.MapElemAttr) (uintptr, sys.Errno) {
	if _, errno := k.lookup(a); errno != 0 {
		return 0, errno
	}
	return k.delete(a)
}

// nextKey starts over for a key that is not there, as a hash map does.
func (k *Kernel) nextKey(a *sys.MapGetNextKeyAttr) (uintptr, sys.Errno) {
	m := k.mapOf(a.MapFd)
	if m == nil {
		return 0, sys.EBADF
	}
	key := read(a.Key, int(m.Attr.KeySize))
	i := slices.IndexFunc(m.keys, func(b []byte) bool { return bytes.Equal(b, key) }) + 1
	if i >= len(m.keys) {
		return 0, sys.ENOENT
	}
	write(a.NextKey, m.keys[i])
	return 0, 0
}

func (k *Kernel) freeze(a *sys.MapElemAttr) (uintptr, sys.Errno) {
	m := k.mapOf(a.MapFd)
	switch {
	case m == nil:
		return 0, sys.EBADF
	case k.lacking(feature.GlobalData): // the command is as old
		return 0, sys.EINVAL
	case m.Frozen:
		return 0, sys.EBUSY
	}
	m.Frozen = true
	return 0, 0
}
