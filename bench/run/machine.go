package main

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
)

// machine is what the results hold of where they come from; no host name.
type machine struct {
	Kernel string `json:"kernel"`
	Arch   string `json:"arch"`
	CPUs   int    `json:"cpus"`
	Go     string `json:"go"`
}

func thisMachine() (machine, error) {
	b, err := os.ReadFile("/proc/sys/kernel/osrelease")
	if err != nil {
		return machine{}, err
	}
	return machine{Kernel: strings.TrimSpace(string(b)), Arch: runtime.GOARCH, CPUs: runtime.NumCPU(), Go: runtime.Version()}, nil
}

// versions are those of the peers.
func (e *env) versions() (map[string]string, error) {
	libbpf, err := os.ReadFile(e.path("libbpf.source"))
	if err != nil {
		return nil, err
	}
	cilium, err := exec.Command("go", "list", "-m", "-f", "{{.Version}}", "github.com/cilium/ebpf").Output()
	if err != nil {
		return nil, fmt.Errorf("version of cilium/ebpf: %w", err)
	}
	return map[string]string{
		"skep": "skep of this tree", "libbpf": strings.TrimSpace(string(libbpf)), "cilium": strings.TrimSpace(string(cilium)),
	}, nil
}
