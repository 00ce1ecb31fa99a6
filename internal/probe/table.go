package probe

import (
	"github.com/skepbpf/skep/internal/feature"
	"github.com/skepbpf/skep/internal/sys"
)

// plain programs, as controls and as carriers.
//
//go:noinline
func socketFilter() program {
	return program{typ: sys.BPF_PROG_TYPE_SOCKET_FILTER, insns: []insn{clear0, exit}}
}

func tracepoint(insns ...insn) program {
	return program{typ: sys.BPF_PROG_TYPE_TRACEPOINT, insns: append(insns, clear0, exit)}
}

//go:noinline
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
	feature.ProgName:         {try: tryProgName, control: loadSocketFilter, no: invalid},
	feature.GlobalData:       {try: tryGlobalData, control: createArrayAndLoad, no: invalid},
	feature.BTF:              {blob: blobInt, control: loadSocketFilter, no: invalid},
	feature.BTFFunc:          {blob: blobFunc, control: loadSocketFilter, no: invalid},
	feature.BTFGlobalFunc:    {blob: blobGlobalFunc, control: loadSocketFilter, no: invalid},
	feature.BTFDatasec:       {blob: blobDatasec, control: loadSocketFilter, no: invalid},
	feature.BTFFloat:         {blob: blobFloat, control: loadSocketFilter, no: invalid},
	feature.BTFDeclTag:       {blob: blobDeclTag, control: loadSocketFilter, no: invalid},
	feature.BTFTypeTag:       {blob: blobTypeTag, control: loadSocketFilter, no: invalid},
	feature.BTFEnum64:        {blob: blobEnum64, control: loadSocketFilter, no: invalid},
	feature.BTFQmarkDatasec:  {blob: blobQmark, control: loadSocketFilter, no: invalid},
	feature.BTFLayout:        {blob: blobLayout, control: loadSocketFilter, no: invalid},
	feature.ArrayMmap:        {try: tryArrayMmap, control: createArray, no: invalid},
	feature.ExpAttachType:    {try: tryExpAttachType, control: controlCgroupSock, no: invalid},
	feature.ProbeReadKernel:  {try: tryProbeRead, control: loadTracepoint, no: invalid},
	feature.ProgBindMap:      {try: tryBindMap, no: invalid},
	feature.ModuleBTF:        {try: tryModuleBTF, no: invalid},
	feature.MemcgAccount:     {try: tryMemcg, control: loadSocketFilter, no: invalid},
	feature.PerfLink:         {try: tryPerfLink},
	feature.BPFCookie:        {try: tryCookie, control: loadTracepoint, no: invalid},
	feature.SyscallWrapper:   {try: trySyscallWrapper},
	feature.UprobeMulti:      {try: tryUprobeMulti},
	feature.ArgCtxTag:        {try: tryCtxTag},
	feature.Ldimm64FullRange: {try: tryFullRange},
}
