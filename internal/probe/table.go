package probe

import (
	"github.com/skepbpf/skep/internal/feature"
	"github.com/skepbpf/skep/internal/sys"
)

// plain programs, as controls and as carriers.
func socketFilter() program {
	return program{typ: sys.BPF_PROG_TYPE_SOCKET_FILTER, insns: []insn{clear0, exit}}
}

func tracepoint(insns ...insn) program {
	return program{typ: sys.BPF_PROG_TYPE_TRACEPOINT, insns: append(insns, clear0, exit)}
}

func loadSocketFilter(a *asker) error { return a.loads(socketFilter()) }
func loadTracepoint(a *asker) error   { return a.loads(tracepoint()) }

func createArray(a *asker) error {
	fd, err := a.array(4, 0)
	if err != nil {
		return err
	}
	return fd.Close()
}

// trials has a row for every feature. The order of the tries follows libbpf's
// feature probes, which distributions' kernels have been tested with.
var trials = [feature.Count]trial{
	feature.ProgName:        {tryProgName, loadSocketFilter, invalid},
	feature.GlobalData:      {tryGlobalData, createArrayAndLoad, invalid},
	feature.BTF:             {btf(blobInt), loadSocketFilter, invalid},
	feature.BTFFunc:         {btf(blobFunc), loadSocketFilter, invalid},
	feature.BTFGlobalFunc:   {btf(blobGlobalFunc), loadSocketFilter, invalid},
	feature.BTFDatasec:      {btf(blobDatasec), loadSocketFilter, invalid},
	feature.BTFFloat:        {btf(blobFloat), loadSocketFilter, invalid},
	feature.BTFDeclTag:      {btf(blobDeclTag), loadSocketFilter, invalid},
	feature.BTFTypeTag:      {btf(blobTypeTag), loadSocketFilter, invalid},
	feature.BTFEnum64:       {btf(blobEnum64), loadSocketFilter, invalid},
	feature.BTFQmarkDatasec: {btf(blobQmark), loadSocketFilter, invalid},
	feature.BTFLayout:       {btf(blobLayout), loadSocketFilter, invalid},
	feature.ArrayMmap:       {tryArrayMmap, createArray, invalid},
	feature.ExpAttachType:   {tryExpAttachType, controlCgroupSock, invalid},
	feature.ProbeReadKernel: {tryProbeRead, loadTracepoint, invalid},
	feature.ProgBindMap:     {tryBindMap, nil, invalid},
	feature.ModuleBTF:       {tryModuleBTF, nil, invalid},
	feature.MemcgAccount:    {tryMemcg, loadSocketFilter, invalid},
	feature.PerfLink:        {tryPerfLink, nil, nil},
	feature.BPFCookie:       {tryCookie, loadTracepoint, invalid},
	feature.SyscallWrapper:  {trySyscallWrapper, nil, nil},
	feature.UprobeMulti:     {tryUprobeMulti, nil, nil},
	feature.ArgCtxTag:       {tryCtxTag, nil, nil},
	feature.Ldimm64FullRange: {
		tryFullRange, nil, nil,
	},
}
