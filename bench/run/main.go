// Command run measures the cold start of skep beside libbpf and cilium/ebpf:
// open and load of real objects, each in a fresh process, the peers by turns.
//
// From every median the kernel floor is subtracted: the time that the libbpf
// run spent inside bpf(2). What remains is the loader's own.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

var (
	rounds = flag.Int("rounds", 20, "fresh processes of each peer per object")
	tools  = flag.String("tools", "tcptop,execsnoop,tcpconnect,biolatency", "libbpf-tools whose objects are loaded")
	check  = flag.Bool("check", false, "exit 1 if a bar is missed")
	only   = flag.String("only", "", "size or start: measure just that")
)

// Bars: skep's own time as a share of a peer's, and its size over an empty program.
const (
	barLibbpf = 0.5
	barCilium = 0.2
	barSize   = 1_200_000
)

func main() {
	log.SetFlags(0)
	flag.Parse()
	dir, err := os.MkdirTemp("", "skep-bench")
	if err != nil {
		log.Fatal(err)
	}
	code := 0
	met, err := measure(dir)
	if err != nil {
		log.Print(err)
		code = 1
	} else if *check && !met {
		code = 1
	}
	if err := os.RemoveAll(dir); err != nil {
		log.Print(err)
	}
	os.Exit(code)
}

func measure(dir string) (met bool, err error) {
	met = true
	if *only != "start" {
		ok, err := size(dir)
		if err != nil {
			return false, err
		}
		met = met && ok
	}
	if *only != "size" {
		ok, err := start(dir)
		if err != nil {
			return false, err
		}
		met = met && ok
	}
	return met, nil
}

// build compiles one command of this module as a user would ship it.
func build(dir, name string) (string, error) {
	out := filepath.Join(dir, name)
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", out, "./"+name)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if b, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build %s: %v\n%s", name, err, b)
	}
	return out, nil
}

// size prints what a loader adds to an empty program.
func size(dir string) (bool, error) {
	var sizes [2]int64
	for i, name := range []string{"empty", "minimal"} {
		path, err := build(dir, name)
		if err != nil {
			return false, err
		}
		info, err := os.Stat(path)
		if err != nil {
			return false, err
		}
		sizes[i] = info.Size()
	}
	more := sizes[1] - sizes[0]
	fmt.Printf("size: open, load and attach is %.2f MB over an empty program (%.2f MB); bar %.1f MB: %s\n\n",
		float64(more)/1e6, float64(sizes[0])/1e6, barSize/1e6, verdict(more <= barSize))
	return more <= barSize, nil
}

func verdict(ok bool) string {
	if ok {
		return "met"
	}
	return "MISSED"
}

// peer is a loader under measurement.
type peer struct {
	name string
	args []string // before the object and its programs
}

// sample is one fresh process.
type sample struct {
	Total int64 `json:"total_ns"` // inside the process, from before open to after load
	Floor int64 `json:"bpf_ns"`   // of that inside bpf(2); libbpf only
	wall  int64 // of the whole process
}

// once runs a peer in a fresh process.
func (p peer) once(object string, programs []string) (s sample, err error) {
	cmd := exec.Command(p.args[0], append(append(slices.Clone(p.args[1:]), object), programs...)...)
	var errs strings.Builder
	cmd.Stderr = &errs
	begin := time.Now()
	out, err := cmd.Output()
	s.wall = time.Since(begin).Nanoseconds()
	if err != nil {
		return s, fmt.Errorf("%s %s: %v: %s", p.name, filepath.Base(object), err, errs.String())
	}
	return s, json.Unmarshal(out, &s)
}

func start(dir string) (bool, error) {
	peers, err := makePeers(dir)
	if err != nil {
		return false, err
	}
	met := true
	w := tabwriter.NewWriter(os.Stdout, 0, 8, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "object\tprograms\tfloor ms\t\tskep\tlibbpf\tcilium/ebpf\tskep/libbpf\tskep/cilium\tbars\t")
	for _, tool := range strings.Split(*tools, ",") {
		object, err := extract(dir, tool)
		if err != nil {
			return false, err
		}
		programs, err := loadable(peers[1].args[0], object)
		if err != nil {
			return false, err
		}
		runs := make([][]sample, len(peers))
		for range *rounds {
			for i, p := range peers {
				s, err := p.once(object, programs)
				if err != nil {
					return false, err
				}
				runs[i] = append(runs[i], s)
			}
		}
		met = row(w, tool, len(programs), runs) && met
	}
	if err := w.Flush(); err != nil {
		return false, err
	}
	fmt.Printf("\nmedians of %d alternating runs in ms; own: open + load without the kernel floor (libbpf's time in bpf(2)); bars %.1f and %.1f\n",
		*rounds, barLibbpf, barCilium)
	return met, nil
}

func makePeers(dir string) ([]peer, error) {
	skepload, err := build(dir, "skepload")
	if err != nil {
		return nil, err
	}
	ciliumload, err := build(dir, "ciliumload")
	if err != nil {
		return nil, err
	}
	oracle := os.Getenv("SKEP_ORACLE")
	if oracle == "" {
		if b, err := exec.Command("../internal/compat/oracle/build.sh", dir).CombinedOutput(); err != nil {
			return nil, fmt.Errorf("libbpf: %v\n%s", err, b)
		}
		oracle = filepath.Join(dir, "oracle")
	}
	return []peer{{"skep", []string{skepload}}, {"libbpf", []string{oracle, "time"}}, {"cilium/ebpf", []string{ciliumload}}}, nil
}

// row prints three lines of one object: as measured, its own part, the whole process.
func row(w *tabwriter.Writer, tool string, programs int, runs [][]sample) bool {
	floor := median(runs[1], func(s sample) int64 { return s.Floor })
	var total, own, wall [3]float64
	for i, r := range runs {
		total[i] = median(r, func(s sample) int64 { return s.Total })
		wall[i] = median(r, func(s sample) int64 { return s.wall })
		own[i] = total[i] - floor
	}
	met := own[0] <= barLibbpf*own[1] && own[0] <= barCilium*own[2]
	line := func(head, what string, v [3]float64, tail string) {
		fmt.Fprintf(w, "%s\t%s\t%.2f\t%.2f\t%.2f\t%.2f\t%.2f\t%s\t\n", head, what, v[0], v[1], v[2], v[0]/v[1], v[0]/v[2], tail)
	}
	line(fmt.Sprintf("%s\t%d\t%.2f", tool, programs, floor), "own", own, verdict(met))
	line("\t\t", "total", total, "")
	line("\t\t", "process", wall, "")
	return met
}

// median is in milliseconds.
func median(runs []sample, of func(sample) int64) float64 {
	v := make([]int64, len(runs))
	for i, s := range runs {
		v[i] = of(s)
	}
	slices.Sort(v)
	return float64(v[len(v)/2]+v[(len(v)-1)/2]) / 2 / 1e6
}
