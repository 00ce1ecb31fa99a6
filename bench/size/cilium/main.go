// Command cilium is the smallest program that opens, loads and attaches with
// cilium/ebpf, which has no attaching by section: the kinds of link that
// minimal programs of libbpf-tools use are here by hand.
package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
)

func attach(spec *ebpf.ProgramSpec, p *ebpf.Program) (link.Link, error) {
	kind, target, _ := strings.Cut(spec.SectionName, "/")
	switch kind {
	case "tp", "tracepoint":
		group, name, _ := strings.Cut(target, "/")
		return link.Tracepoint(group, name, p, nil)
	case "raw_tp", "raw_tracepoint":
		return link.AttachRawTracepoint(link.RawTracepointOptions{Name: target, Program: p})
	case "kprobe":
		return link.Kprobe(target, p, nil)
	case "kretprobe":
		return link.Kretprobe(target, p, nil)
	}
	return link.AttachTracing(link.TracingOptions{Program: p})
}

func run(path string) error {
	spec, err := ebpf.LoadCollectionSpec(path)
	if err != nil {
		return err
	}
	coll, err := ebpf.NewCollection(spec)
	if err != nil {
		return err
	}
	defer coll.Close()
	for name, p := range coll.Programs {
		l, err := attach(spec.Programs[name], p)
		if err != nil {
			return err
		}
		defer l.Close()
	}
	return nil
}

func main() {
	if len(os.Args) != 2 {
		fmt.Println("usage: cilium OBJ")
		os.Exit(2)
	}
	if err := run(os.Args[1]); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}
