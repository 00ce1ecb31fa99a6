module github.com/skepbpf/skep/bench

go 1.26.0

require (
	github.com/cilium/ebpf v0.22.0
	github.com/skepbpf/skep v0.0.0
)

require golang.org/x/sys v0.49.0 // indirect

replace github.com/skepbpf/skep => ../
