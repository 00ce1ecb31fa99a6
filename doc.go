// Package skep loads eBPF programs into the Linux kernel.
//
// An object compiled by clang goes through five stages, each of which can be
// called alone:
//
//	elf.Parse     bytes      → elf.Object   what the file says
//	NewSpec       Object     → Spec         what the caller may change
//	Spec.Needs, ReadFacts    → Facts        what must be known of the kernel
//	Spec.Plan     Spec+Facts → Plan         what will be done: pure, printable
//	Plan.Apply    Plan       → Collection   maps and programs in the kernel
//
// [Open] and [Load] do all of it:
//
//	spec, err := skep.Open("execsnoop.bpf.o")
//	err = spec.Set("min_us", uint64(1000))
//	coll, err := skep.Load(spec, nil)
//	defer coll.Close()
//	links, err := coll.Attach(nil)
//	defer links.Close()
//
// Only Apply, and what follows it, makes bpf(2) calls. Nothing is probed
// unless something failed. A load that fails closes and unpins all it made.
package skep
