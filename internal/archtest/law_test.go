// Package archtest holds the import law of the module against its source
// files. It has no library code: the law below is data, check.go reads a tree
// and names what breaks it, and the test runs that over this module.
package archtest

// module is the path that imports of our own packages begin with.
const module = "github.com/skepbpf/skep"

// place is one row of the floor table. Imports go only to strictly lower
// floors, so siblings never import each other and there are no cycles.
type place struct {
	floor  int
	sealed bool // never reaches internal/sys, even indirectly
	tool   bool // a program or a test helper: may use what the library may not
}

// exact lists the packages of the module; a missing one is fine, a package
// that is not here (nor under a folder of prefixes) is a violation.
var exact = map[string]place{
	"internal/bin":     {floor: 0, sealed: true},
	"internal/tree":    {floor: 0, sealed: true},
	"internal/mkerr":   {floor: 0, sealed: true},
	"internal/version": {floor: 0, sealed: true},
	"internal/digest":  {floor: 0, sealed: true},
	"internal/feature": {floor: 0, sealed: true},
	"verifierlog":      {floor: 0, sealed: true},
	"refusal":          {floor: 0, sealed: true},
	"internal/sys":     {floor: 0},

	"internal/fuzztest": {floor: 0, sealed: true, tool: true},

	"asm":               {floor: 1, sealed: true},
	"internal/elffile":  {floor: 1, sealed: true},
	"internal/netlink":  {floor: 1, sealed: true},
	"internal/bpffs":    {floor: 1},
	"internal/sysenc":   {floor: 1},
	"internal/kernel":   {floor: 1},
	"token":             {floor: 1},
	"internal/testutil": {floor: 1, sealed: true, tool: true}, // the tests of sealed packages import it

	"btf":           {floor: 2, sealed: true},
	"internal/usdt": {floor: 2, sealed: true},

	"internal/diagnose":    {floor: 2},
	"internal/sys/systest": {floor: 2, tool: true},

	"elf":                 {floor: 3, sealed: true},
	"internal/relo":       {floor: 3, sealed: true},
	"internal/layout":     {floor: 3, sealed: true},
	"internal/probe":      {floor: 3},
	"internal/cmd/gensys": {floor: 3, sealed: true, tool: true},

	"btf/handle": {floor: 4},

	"maps": {floor: 5},
	"prog": {floor: 5},

	"link":          {floor: 6},
	"maps/ringbuf":  {floor: 6},
	"maps/perf":     {floor: 6},
	"maps/userring": {floor: 6},
	"features":      {floor: 6},
	"symbols":       {floor: 6},

	".": {floor: 7},

	"cmd/skep": {floor: 8, tool: true},

	"internal/archtest":   {floor: 9, tool: true},
	"internal/apitest":    {floor: 9, tool: true},
	"internal/compat":     {floor: 9, tool: true},
	"internal/cmd/vmtest": {floor: 9, tool: true},

	"internal/cmd/vmtest/guest":  {floor: 9, tool: true},
	"internal/testutil/fentry":   {floor: 9, tool: true},
	"internal/cmd/vmtest/victim": {floor: 9, tool: true},
}

// prefixes are folders whose packages share a row.
var prefixes = map[string]place{
	"internal/step/": {floor: 4, sealed: true},
	"examples/":      {floor: 8, tool: true},
}

// steps are the packages of planning steps; like exact, a name has to be here.
var steps = map[string]bool{
	"argctx": true, "kconfig": true, "ksyms": true, "structops": true, "arena": true, "jumptable": true, "prune": true, "require": true, "upgrade": true,
}

// testOnly packages are imported by _test.go files alone.
var testOnly = map[string]bool{
	"internal/sys/systest":     true,
	"internal/testutil":        true,
	"internal/testutil/fentry": true,
	"internal/fuzztest":        true,
}

// banned maps what the library does not import to the reason. A name that
// ends in a slash stands for everything below it.
var banned = map[string]string{
	"net":           "brings a resolver and cgo; internal/sys has the sockets",
	"net/":          "brings a resolver and cgo; internal/sys has the sockets",
	"encoding/json": "reflection and size",
	"regexp":        "size; parse by hand",
	"os/exec":       "a loader starts no programs",
	"debug/":        "not hardened against hostile input; internal/elffile is",
	"testing":       "registers flags in the user's program",
	"testing/":      "registers flags in the user's program",
	"log":           "a library returns errors",
	"C":             "pure Go",
}

// planImports is all that the root's plan*.go may import of this module, so
// that a plan cannot make a system call. maps and prog are there for their Spec.
var planImports = []string{
	"asm", "btf", "elf", "maps", "prog", "internal/bin", "internal/relo", "internal/feature", "internal/version", "internal/mkerr", "internal/step/",
}

// theSyscallRoom is the only package with system calls, x/sys and build tags.
const theSyscallRoom = "internal/sys"
