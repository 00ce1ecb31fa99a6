package main

import "slices"

// A row is one operation, measured in every peer whose table has it. To add
// one: a function in each peer, and an entry here.
type row struct {
	name string // in the tables
	op   string // in the peers
	what string
	unit unit
	// n operations a batch, in that many batches: a sample is the median of a
	// process's batches. Many batches of less than a millisecond are best: few of
	// them meet whatever else runs. countN is n when instructions are counted.
	n, batches, countN int
	rounds             int // at most; 0 is as many as there are
	args               func(*env) ([]string, error)
	bars               []bar
	// own adds a row without the kernel floor, which is the time that libbpf
	// spends in bpf(2), with these bars.
	own []bar
	// peak adds a row of the processes' peak memory.
	peak bool
}

// unit says how values are printed; times are kept in ns.
type unit struct {
	name  string
	scale float64
	time  bool
}

var (
	ms     = unit{"ms", 1e6, true}
	us     = unit{"µs", 1e3, true}
	ns     = unit{"ns", 1, true}
	kb     = unit{"KB", 1, false}
	octets = unit{"B", 1, false}
	// percent is for shares.
	percent = unit{"%", 1, false}
)

// bar is what a row should reach: a share of a peer's value, or, if against is
// empty, a value of skep's own.
type bar struct {
	against string
	metric  string // "", "allocs" or "bytes"
	max     float64
}

func (b bar) of(metric string) bar { b.metric = metric; return b }

func share(of string, max float64) bar { return bar{against: of, max: max} }
func most(v float64) bar               { return bar{max: v} }

var rows = slices.Concat(
	each(tools, func(tool string) row {
		return row{
			name: "cold start: " + tool, op: "cold", unit: ms, n: 1, batches: 1, countN: 1, args: object(tool),
			what: "open and load its object in a fresh process",
			own:  []bar{share("libbpf", 0.5), share("cilium", 0.2)}, peak: tool == tools[0],
		}
	}),
	[]row{{
		name: "warm load", op: "warm", unit: ms, n: 1, batches: 5, countN: 1, args: allTools(tools...),
		what: "open and load these four again, the kernel's types known (libbpf cannot keep them)",
		bars: []bar{share("libbpf", 1), share("cilium", 0.5)},
	}, {
		name: "warm load, all tools", op: "warm", unit: ms, n: 1, batches: 3, countN: 1, args: everyTool,
		what: "the same of every tool of libbpf-tools whose object all peers load",
		bars: []bar{share("libbpf", 1), share("cilium", 0.5)},
	}, {
		name: "parallel load", op: "parallel", unit: ms, n: 1, batches: 1, countN: 1, args: testObject("heavy"),
		what: "64 independent programs that the verifier takes its time for",
	}, {
		name: "parallel load, share", op: "parallel.share", unit: percent, n: 1, batches: 3, args: testObject("heavy"),
		what: "the time of two threads, of one's; libbpf's are bare C threads that load what it made of the object",
		bars: []bar{share("libbpf", 1/0.85)},
	}, {
		name: "kernel symbols", op: "ksyms", unit: ms, n: 1, batches: 1, countN: 1, args: testObject("ksyms"),
		what: "load a program with 20 addresses out of /proc/kallsyms",
	}, {
		name: "user symbols", op: "uprobes", unit: ms, n: 1, batches: 3, countN: 1, args: uprobeArgs,
		what: "find 20 functions in the go command (15 MB) and attach uprobe.multi",
	}},
	each(tools, func(tool string) row {
		return row{
			name: "ELF open: " + tool, op: "open", unit: us, n: 2, batches: 31, countN: 10, args: object(tool),
			what: "its object, in memory, to a spec", bars: []bar{share("libbpf", 1)},
		}
	}),
	[]row{{
		name: "kernel BTF: find", op: "btf.find", unit: ms, n: 1, batches: 1, countN: 1, args: btfNames,
		what: "open it and find 22 names, 5 more are absent; cold", bars: []bar{most(2.5e6), most(0.6e6).of("bytes")},
	}, {
		name: "kernel BTF: find, read", op: "btf.read", unit: ms, n: 1, batches: 1, countN: 1, args: btfNames,
		what: "the same, not mapped but read, as before Linux 6.16", bars: []bar{most(8e6)},
	}, {
		name: "kernel BTF: visit", op: "btf.visit", unit: ms, n: 1, batches: 1, countN: 1,
		what: "open it and read every type: kind, name, members' names, types and offsets",
		bars: []bar{most(30e6), most(15e6).of("bytes"), most(2000).of("allocs")},
	}, {
		name: "kernel BTF: build", op: "btf.build", unit: ms, n: 1, batches: 3, countN: 1,
		what: "add every type of it to new BTF and encode that", bars: []bar{most(50e6)},
	}, {
		name: "kernel BTF: dedup", op: "btf.dedup", unit: ms, n: 1, batches: 3, countN: 1,
		what: "merge equal types of it (cilium/ebpf does not encode the result)", bars: []bar{most(180e6)},
	}, {
		name: "CO-RE relocation", op: "core", unit: ns, n: 1, batches: 25, countN: 10, args: installed,
		what: "one of the distinct relocations of libbpf-tools' objects, a few each, the kernel's types known",
		bars: []bar{most(300), most(1).of("allocs")},
	}, {
		name: "CO-RE relocation, many", op: "core", unit: ns, n: 1, batches: 25, countN: 10,
		args: func(*env) ([]string, error) { return []string{"objs=testdata/fields.o"}, nil },
		what: "one of 235 field relocations of one object, the kernel's types known",
		bars: []bar{most(300), most(1).of("allocs")},
	}, {
		name: "map lookup", op: "map.lookup", unit: ns, n: 500, batches: 51, countN: 5000,
		what: "an element of a hash of 10,000, u32 to u64",
	}, {
		name: "map update", op: "map.update", unit: ns, n: 500, batches: 51, countN: 5000,
		what: "an element of that hash",
	}, {
		name: "map iterate", op: "map.iterate", unit: ns, n: 1, batches: 5, countN: 5,
		what: "an element of that hash, all of them read the way the peer offers first",
	}, {
		name: "batch lookup", op: "batch.lookup", unit: ns, n: 1, batches: 25, countN: 5,
		what: "an element of that hash, 1,000 a call",
	}, {
		name: "batch update", op: "batch.update", unit: ns, n: 1, batches: 25, countN: 5,
		what: "an element of that hash, 1,000 a call",
	}, {
		name: "ring buffer", op: "ringbuf", unit: ns, n: 1, batches: 25, countN: 1, args: drainArgs("20000"),
		what: "one record of 64 bytes out of 20,000 that are there",
	}, {
		name: "perf buffer", op: "perf", unit: ns, n: 1, batches: 7, countN: 1, args: drainArgs("4000"),
		what: "one record of 64 bytes out of 4,000 that are there",
	}, {
		name: "heap growth", op: "heap", unit: octets, n: 1, batches: 1, rounds: 3, args: object(tools[0]),
		what: "of one of 100 loads of " + tools[0] + "'s object, after two collections", bars: []bar{most(1024)},
	}},
)

// each is one row for each tool.
func each(tools []string, f func(string) row) []row {
	var rows []row
	for _, t := range tools {
		rows = append(rows, f(t))
	}
	return rows
}
