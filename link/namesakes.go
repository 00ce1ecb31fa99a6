package link

import (
	"errors"
	"io/fs"

	"github.com/skepbpf/skep/internal/kernel"
	"github.com/skepbpf/skep/internal/mkerr"
	"github.com/skepbpf/skep/internal/tree"
)

// namesakes are the functions that a name may stand for.
type namesakes struct {
	exact, renamed, clones []Function
	hidden                 bool
}

func readNamesakes(root tree.Root, name string) (*namesakes, error) {
	found, hidden, err := kernel.ReadNamesakes(root, []string{name})
	if err != nil {
		return nil, err
	}
	n := found[name]
	return &namesakes{functionList(n.Exact), functionList(n.Renamed), functionList(n.Clones), hidden}, nil
}

//go:noinline
func functionList(list []kernel.Function) []Function {
	out := make([]Function, len(list))
	for i, f := range list {
		out[i] = Function{Name: f.Name, Module: f.Module, Address: f.Addr}
	}
	return out
}

// inModule finds the one function of the name that the module has.
func (o *KprobeOptions) inModule() (Function, error) {
	n, err := readNamesakes(kernel.FS("/"), o.Symbol)
	if err != nil {
		return Function{}, err
	}
	return n.inModule(o.Module, o.Symbol, o.Clones)
}

func (n *namesakes) inModule(module, symbol string, clones bool) (Function, error) {
	name := module + ":" + symbol
	if n.hidden {
		return Function{}, mkerr.WrapNamed("%s: the kernel hides its addresses (sysctl kernel.kptr_restrict, or CAP_SYSLOG is missing): %w", name, fs.ErrPermission)
	}
	if module == vmlinux {
		module = ""
	}
	lists := [][]Function{n.exact, n.renamed, n.clones}
	if !clones {
		lists = lists[:2]
	}
	for _, list := range lists {
		var there []Function
		for _, f := range list {
			if f.Module == module {
				there = append(there, f)
			}
		}
		switch len(there) {
		case 0:
		case 1:
			return there[0], nil
		default:
			return Function{}, &AmbiguousError{Name: name, Candidates: there}
		}
	}
	return Function{}, mkerr.Errorf("no function %s%s: %w", name, n.elsewhere(), fs.ErrNotExist)
}

// other finds what the kernel may call the function, after it refused the name
// with err: the symbol to try instead.
func (o *KprobeOptions) other(err error) (string, error) {
	n, rerr := readNamesakes(kernel.FS("/"), o.Symbol)
	if rerr != nil {
		return "", err
	}
	return n.other(o.Symbol, o.Clones, err)
}

func (n *namesakes) other(symbol string, clones bool, err error) (string, error) {
	list := n.renamed
	if len(list) == 0 && clones {
		list = n.clones
	}
	switch {
	case len(n.exact) > 1:
		return "", mkerr.Errorf("%w: %w", &AmbiguousError{Name: symbol, Candidates: n.exact}, err)
	case len(n.exact) == 1:
		return "", err // it is there, and cannot be probed
	case len(list) == 1:
		return list[0].Name, nil
	case len(list) > 1:
		return "", mkerr.Errorf("%w: %w", &AmbiguousError{Name: symbol, Candidates: list}, err)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return "", mkerr.Errorf("%w: no function of this name%s: %w", err, n.elsewhere(), fs.ErrNotExist)
	}
	return "", mkerr.Errorf("%w: no function of this name%s", err, n.elsewhere())
}

// elsewhere names what there is instead.
func (n *namesakes) elsewhere() string {
	s := ""
	for _, list := range [...][]Function{n.exact, n.renamed, n.clones} {
		for _, f := range list {
			s += ", " + f.String()
		}
	}
	if s == "" {
		return ""
	}
	return ", but " + s[2:]
}
