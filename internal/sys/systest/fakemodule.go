package systest

import (
	"encoding/binary"
	"unsafe"

	"github.com/skepbpf/skep/internal/sys"
)

// AddModule adds the types of a kernel module ("vmlinux" for the kernel's own),
// which stay until the test ends.
func (k *Kernel) AddModule(name string, types []byte) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.nextID++
	k.modules = append(k.modules, &object{id: k.nextID, b: &BTF{ID: k.nextID, Bytes: types, Module: name}})
}

// RemoveModule takes a module away; descriptors of its types stay good.
func (k *Kernel) RemoveModule(name string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for i, o := range k.modules {
		if o.b.Module == name {
			k.modules = append(k.modules[:i], k.modules[i+1:]...)
			return
		}
	}
}

// btfInfo fills the buffers too: the types and the module's name.
func (o *object) btfInfo(a *sys.ObjInfoAttr) sys.Errno {
	var raw sys.BtfInfo
	copy(unsafe.Slice((*byte)(unsafe.Pointer(&raw)), unsafe.Sizeof(raw)), read(a.Info, int(min(a.InfoLen, uint32(unsafe.Sizeof(raw))))))
	write(raw.Btf, o.b.Bytes[:min(len(o.b.Bytes), int(raw.BtfSize))])
	if name := append([]byte(o.b.Module), 0); int(raw.NameLen) >= len(name) {
		write(raw.Name, name)
	}
	raw.Id, raw.BtfSize, raw.NameLen, raw.KernelBtf = o.id, uint32(len(o.b.Bytes)), uint32(len(o.b.Module)), 0
	if o.b.Module != "" {
		raw.KernelBtf = 1
	}
	return putInfo(a, &raw)
}

// findModules collects the modules of calls of kernel functions and of loads of
// typed symbols, by slot.
func (k *Kernel) findModules(p *Prog, a *sys.ProgLoadAttr) sys.Errno {
	big := binary.NativeEndian.Uint16([]byte{0, 1}) == 1
	for at := 0; at+insnSize <= len(p.Insns); at += insnSize {
		in := p.Insns[at : at+insnSize]
		src := in[1] >> 4
		if big {
			src = in[1] & 0xf
		}
		fd, wide := int32(0), in[0] == sys.BPF_LD|sys.BPF_IMM|sys.BPF_DW
		switch {
		case wide && src == sys.BPF_PSEUDO_BTF_ID && at+2*insnSize <= len(p.Insns):
			fd = int32(binary.NativeEndian.Uint32(p.Insns[at+insnSize+4:]))
		case in[0] == sys.BPF_JMP|sys.BPF_CALL && src == sys.BPF_PSEUDO_KFUNC_CALL:
			if off := int(binary.NativeEndian.Uint16(in[2:])); off != 0 {
				if a.FdArray.IsNull() {
					return sys.EPROTO
				}
				fd = *(*int32)(unsafe.Add(a.FdArray.Raw(), off*4))
			}
		}
		if fd != 0 {
			o := k.find(int(fd))
			if o == nil || o.b == nil || o.b.Module == "" {
				return sys.EBADF
			}
			if p.Modules == nil {
				p.Modules = map[int]string{}
			}
			p.Modules[at/insnSize] = o.b.Module
		}
		if wide {
			at += insnSize
		}
	}
	return 0
}
