package main

import (
	"bytes"
	"fmt"
	"slices"
)

// call is one command's function.
type call struct {
	cmd    string // without BPF_
	goName string
	attr   string
	since  string
	fd     bool   // the command gives a descriptor
	doc    string // what it does
}

// calls lists every command but OBJ_GET_INFO_BY_FD and LINK_CREATE, which are
// generic over the struct they take and written by hand.
var calls = []call{
	{"MAP_CREATE", "MapCreate", "MapCreateAttr", "3.18", true, "creates a map"},
	{"MAP_LOOKUP_ELEM", "MapLookupElem", "MapElemAttr", "3.18", false, "copies the value of a key to attr.Value"},
	{"MAP_UPDATE_ELEM", "MapUpdateElem", "MapElemAttr", "3.18", false, "stores a value under a key"},
	{"MAP_DELETE_ELEM", "MapDeleteElem", "MapElemAttr", "3.18", false, "deletes a key"},
	{"MAP_GET_NEXT_KEY", "MapGetNextKey", "MapGetNextKeyAttr", "3.18", false, "copies the key after attr.Key to attr.NextKey; ENOENT after the last"},
	{"PROG_LOAD", "ProgLoad", "ProgLoadAttr", "3.18", true, "verifies and loads a program"},
	{"OBJ_PIN", "ObjPin", "ObjAttr", "4.4", false, "pins an object to a path of a bpffs"},
	{"OBJ_GET", "ObjGet", "ObjAttr", "4.4", true, "opens a pinned object"},
	{"PROG_ATTACH", "ProgAttach", "ProgAttachAttr", "4.10", false, "attaches a program to a hook"},
	{"PROG_DETACH", "ProgDetach", "ProgAttachAttr", "4.10", false, "detaches a program from a hook"},
	{"PROG_TEST_RUN", "ProgTestRun", "ProgTestRunAttr", "4.12", false, "runs a program once or more on given input"},
	{"PROG_GET_NEXT_ID", "ProgGetNextID", "GetIDAttr", "4.13", false, "sets attr.NextId to the program id after attr.StartId; ENOENT after the last"},
	{"MAP_GET_NEXT_ID", "MapGetNextID", "GetIDAttr", "4.13", false, "sets attr.NextId to the map id after attr.StartId; ENOENT after the last"},
	{"PROG_GET_FD_BY_ID", "ProgGetFDByID", "GetIDAttr", "4.13", true, "opens the program of an id"},
	{"MAP_GET_FD_BY_ID", "MapGetFDByID", "GetIDAttr", "4.13", true, "opens the map of an id"},
	{"PROG_QUERY", "ProgQuery", "ProgQueryAttr", "4.15", false, "lists the programs of a hook; ENOSPC, with Count set, if the buffers are short"},
	{"RAW_TRACEPOINT_OPEN", "RawTracepointOpen", "RawTracepointOpenAttr", "4.17", true, "attaches a program to a raw tracepoint, or to the function it was loaded for"},
	{"BTF_LOAD", "BtfLoad", "BtfLoadAttr", "4.18", true, "loads a BTF object"},
	{"BTF_GET_FD_BY_ID", "BtfGetFDByID", "GetIDAttr", "4.18", true, "opens the BTF object of an id"},
	{"TASK_FD_QUERY", "TaskFDQuery", "TaskFdQueryAttr", "4.18", false, "says what a perf event descriptor of a task is attached to"},
	{"MAP_LOOKUP_AND_DELETE_ELEM", "MapLookupAndDeleteElem", "MapElemAttr", "4.20", false, "copies the value of a key to attr.Value and deletes it"},
	{"MAP_FREEZE", "MapFreeze", "MapElemAttr", "5.2", false, "makes a map read-only for bpf(2)"},
	{"BTF_GET_NEXT_ID", "BtfGetNextID", "GetIDAttr", "5.4", false, "sets attr.NextId to the BTF id after attr.StartId; ENOENT after the last"},
	{"MAP_LOOKUP_BATCH", "MapLookupBatch", "MapBatchAttr", "5.6", false, "copies many keys and values; attr.Count is set also on error"},
	{"MAP_LOOKUP_AND_DELETE_BATCH", "MapLookupAndDeleteBatch", "MapBatchAttr", "5.6", false, "copies and deletes many keys; attr.Count is set also on error"},
	{"MAP_UPDATE_BATCH", "MapUpdateBatch", "MapBatchAttr", "5.6", false, "stores many values; attr.Count is set also on error"},
	{"MAP_DELETE_BATCH", "MapDeleteBatch", "MapBatchAttr", "5.6", false, "deletes many keys; attr.Count is set also on error"},
	{"LINK_UPDATE", "LinkUpdate", "LinkUpdateAttr", "5.7", false, "replaces the program, or struct_ops map, of a link"},
	{"LINK_GET_FD_BY_ID", "LinkGetFDByID", "GetIDAttr", "5.8", true, "opens the link of an id"},
	{"LINK_GET_NEXT_ID", "LinkGetNextID", "GetIDAttr", "5.8", false, "sets attr.NextId to the link id after attr.StartId; ENOENT after the last"},
	{"ENABLE_STATS", "EnableStats", "EnableStatsAttr", "5.8", true, "keeps run statistics on while the descriptor is open"},
	{"ITER_CREATE", "IterCreate", "IterCreateAttr", "5.8", true, "starts one pass of an iterator link; read the descriptor"},
	{"LINK_DETACH", "LinkDetach", "LinkDetachAttr", "5.9", false, "detaches a link by force; its descriptor and pins remain"},
	{"PROG_BIND_MAP", "ProgBindMap", "ProgBindMapAttr", "5.10", false, "keeps a map alive as long as a program"},
	{"TOKEN_CREATE", "TokenCreate", "TokenCreateAttr", "6.9", true, "makes a token from a bpffs mounted with delegation options"},
	{"PROG_STREAM_READ_BY_FD", "StreamRead", "ProgStreamReadAttr", "6.17", false, ""},
	{"PROG_ASSOC_STRUCT_OPS", "ProgAssocStructOps", "ProgAssocStructOpsAttr", "7.0", false, "ties a program to a struct_ops map"},
}

// calls writes one function per command. unsafe.Pointer(attr) is passed on in
// the same expression, so the attribute needs no heap.
func (g *generator) calls(b *bytes.Buffer) error {
	b.WriteString("import \"unsafe\"\n\n")
	for _, c := range calls {
		if c.doc == "" { // returns a count: written by hand
			continue
		}
		result, fn := "error", "callErr"
		if c.fd {
			result, fn = "(*FD, error)", "callFD"
		}
		fmt.Fprintf(b, "// %s %s (BPF_%s). Requires Linux %s.\n", c.goName, c.doc, c.cmd, c.since)
		fmt.Fprintf(b, "func %s(attr *%s) %s {\nreturn %s(BPF_%s, unsafe.Pointer(attr), unsafe.Sizeof(*attr))\n}\n\n", c.goName, c.attr, result, fn, c.cmd)
	}
	b.WriteString("// linkCreateAttr is any variant of the attribute of BPF_LINK_CREATE.\ntype linkCreateAttr interface {\n")
	g.union(b, "link_create", "bpf_attr")
	b.WriteString("}\n\n// objInfo is any struct that BPF_OBJ_GET_INFO_BY_FD fills.\ntype objInfo interface {\n")
	g.union(b, "", "bpf_map_info", "bpf_prog_info", "bpf_btf_info", "bpf_link_info", "bpf_token_info")
	b.WriteString("}\n")
	return nil
}

// union writes the type set of the structs cut from the given C types.
func (g *generator) union(b *bytes.Buffer, pick string, c ...string) {
	sep := ""
	for i := range specs {
		s := &specs[i]
		for _, name := range c {
			if s.c == name && (pick == "" || slices.Contains(s.pick, pick)) {
				fmt.Fprintf(b, "%s%s", sep, s.goName)
				sep = " |\n"
			}
		}
	}
	b.WriteString("\n")
}

// layoutTest writes the offsets and sizes that the C compiler gave.
func (g *generator) layoutTest(b *bytes.Buffer) error {
	b.WriteString("import \"unsafe\"\n\nvar layouts = []layout{\n")
	for i := range specs {
		s := &specs[i]
		fields, err := g.fields(s)
		if err != nil {
			return err
		}
		end := fields[len(fields)-1]
		fmt.Fprintf(b, "{%q, unsafe.Sizeof(%s{}), %d},\n", s.goName, s.goName, end.off+end.size)
		for _, f := range fields {
			if f.name != "_" {
				fmt.Fprintf(b, "{\"%s.%s\", unsafe.Offsetof(%s{}.%s), %d},\n", s.goName, f.name, s.goName, f.name, f.off)
			}
		}
	}
	b.WriteString("}\n")
	return nil
}
