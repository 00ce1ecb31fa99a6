package btf

import (
	"strconv"
	"testing"
)

// BenchmarkKernelOpenFind opens the kernel's BTF and finds 27 names each time.
func BenchmarkKernelOpenFind(b *testing.B) {
	liveKernel(b)
	b.ReportAllocs()
	for b.Loop() {
		k := liveKernel(b)
		if err := k.Find(traced()...); err != nil {
			b.Fatal(err)
		}
		k.Close()
	}
}

// realRelos are the distinct relocations of all installed objects.
func realRelos(b testing.TB) (specs []*Spec, relos [][]*CORERelo, n int) {
	for _, o := range objects(b) {
		s, err := Parse(o.btf)
		if err != nil {
			b.Fatal(err)
		}
		ext, err := ParseExt(o.ext, s)
		if err != nil {
			b.Fatal(err)
		}
		seen := map[CORERelo]bool{}
		var list []*CORERelo
		for _, sec := range ext.Sections {
			for i := range sec.CORE {
				if r := &sec.CORE[i].CORERelo; !seen[*r] {
					seen[*r] = true
					list = append(list, r)
				}
			}
		}
		specs, relos, n = append(specs, s), append(relos, list), n+len(list)
	}
	return specs, relos, n
}

// BenchmarkResolve resolves each distinct relocation once, with the names of
// the kernel known.
func BenchmarkResolve(b *testing.B) {
	k := liveKernel(b)
	specs, relos, n := realRelos(b)
	for i, s := range specs {
		if err := NewRelocator(s, k).Prepare(relos[i]); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		for i, s := range specs {
			r := NewRelocator(s, k)
			for _, relo := range relos[i] {
				if _, err := r.Resolve(relo); err != nil {
					b.Fatal(err)
				}
			}
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/relo")
	b.ReportMetric(float64(n), "relos")
}

// BenchmarkResolveAgain asks a Relocator for what it knows.
func BenchmarkResolveAgain(b *testing.B) {
	k := liveKernel(b)
	specs, relos, _ := realRelos(b)
	r := NewRelocator(specs[0], k)
	if err := r.Prepare(relos[0]); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := r.Resolve(relos[0][0]); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkVisit reads every type of the kernel with all its members.
func BenchmarkVisit(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		k := liveKernel(b)
		s, err := k.Vmlinux()
		if err != nil {
			b.Fatal(err)
		}
		sum := 0
		for t := range s.All() {
			sum += int(t.Kind()) + len(t.Name())
			if compound.has(t.Kind()) {
				for i := range t.Vlen() {
					m := t.Member(i)
					sum += len(m.Name) + int(m.Type) + int(m.Offset)
				}
			}
		}
		k.Close()
	}
}

// BenchmarkResolveFields resolves 400 accesses of kernel structs once each,
// with their types known.
func BenchmarkResolveFields(b *testing.B) {
	k := liveKernel(b)
	s, err := k.Vmlinux()
	if err != nil {
		b.Fatal(err)
	}
	var relos []*CORERelo
	for _, name := range []string{"task_struct", "sock", "sk_buff", "inode", "file", "request", "mm_struct"} {
		t, _ := s.ByName(name, KindStruct)
		for i := 0; i < t.Vlen() && len(relos) < 400; i++ {
			if t.Member(i).BitSize == 0 {
				relos = append(relos, &CORERelo{COREFieldByteOffset, t.ID(), "0:" + strconv.Itoa(i)})
			}
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		r := NewRelocator(s, k)
		for _, relo := range relos { // the types become known, the values not
			if _, err := r.Resolve(&CORERelo{CORETypeExists, relo.Root, "0"}); err != nil {
				b.Fatal(err)
			}
		}
		b.StartTimer()
		for _, relo := range relos {
			if _, err := r.Resolve(relo); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(relos)), "ns/relo")
}
