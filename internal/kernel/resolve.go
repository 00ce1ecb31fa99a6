package kernel

import (
	"bytes"

	"github.com/skepbpf/skep/internal/tree"
)

// Namesakes are the functions that a name may stand for.
type Namesakes struct {
	// Exact have the name itself, each at another address.
	Exact []Function
	// Renamed are those to which ThinLTO gave a suffix when it promoted a
	// static one: the same function.
	Renamed []Function
	// Clones were made of the function by the compiler, which may have changed
	// or dropped parameters.
	Clones []Function
}

// ReadNamesakes looks for functions in /proc/kallsyms, in one pass. hidden says
// that the kernel hides addresses, so that functions cannot be told apart.
func ReadNamesakes(root tree.Root, names []string) (found map[string]*Namesakes, hidden bool, err error) {
	found = make(map[string]*Namesakes, len(names))
	for _, n := range names {
		if n != "" {
			found[n] = new(Namesakes)
		}
	}
	var addrs uint64
	err = EachText(root, func(t *Text) {
		addrs |= t.Addr
		base, suffix := cutSuffix(t.Name)
		n, ok := found[string(base)]
		if !ok {
			return
		}
		list := [...]*[]Function{exactName: &n.Exact, renamed: &n.Renamed, cloned: &n.Clones, notWhole: nil}[suffix]
		if list != nil {
			addFunction(list, t)
		}
	})
	return found, addrs == 0, err
}

// addFunction adds t unless its address is there: aliases are one function.
func addFunction(list *[]Function, t *Text) {
	for _, f := range *list {
		if f.Addr == t.Addr && t.Addr != 0 {
			return
		}
	}
	*list = append(*list, Function{string(t.Name), string(t.Module), t.Addr})
}

// What a suffix says of a function.
const (
	exactName = iota
	renamed   // .llvm.HASH
	cloned    // .isra.0, .constprop.0 and their like
	notWhole  // .cold, .part.0 and what is not known: not the function, or not all of it
)

// cutSuffix splits a name at its first dot.
func cutSuffix(name []byte) (base []byte, suffix int) {
	i := bytes.IndexByte(name, '.')
	if i <= 0 {
		return name, exactName
	}
	suffix = renamed
	for rest := name[i+1:]; len(rest) > 0; {
		var word []byte
		word, rest, _ = bytes.Cut(rest, []byte("."))
		switch string(word) {
		case "llvm":
		case "isra", "constprop":
			suffix = cloned
		default:
			return name[:i], notWhole
		}
		_, rest, _ = bytes.Cut(rest, []byte(".")) // its number
	}
	return name[:i], suffix
}
