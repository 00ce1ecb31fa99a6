package main

import (
	"bytes"
	"debug/elf"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// module is a kernel module, decompressed.
type module struct {
	name string
	data []byte
}

// modulesFor returns the modules of the given names and all that they depend
// on, in the order to load them. Packages carry no modules.dep (depmod makes
// it at install time), so the modules themselves are asked. Names that the
// kernel has no module for, because it has them built in or not at all, are
// left out.
func modulesFor(dir string, names []string) ([]module, error) {
	files, err := moduleFiles(dir)
	if err != nil {
		return nil, err
	}
	found := map[string]module{}
	load := func(name string) ([]string, error) {
		file, ok := files[name]
		if !ok {
			return nil, fs.ErrNotExist
		}
		data, err := decompressFile(file)
		if err != nil {
			return nil, err
		}
		found[name] = module{name, data}
		return moduleDepends(data)
	}
	order, err := dependencyOrder(names, load)
	if err != nil {
		return nil, err
	}
	var out []module
	for _, name := range order {
		out = append(out, found[name])
	}
	return out, nil
}

// moduleFiles maps the names of a kernel's modules to their files.
func moduleFiles(dir string) (map[string]string, error) {
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		if name, _, ok := strings.Cut(d.Name(), ".ko"); ok {
			files[moduleName(name)] = path
		}
		return nil
	})
	if os.IsNotExist(err) {
		return files, nil // a kernel without modules
	}
	return files, err
}

// moduleName is a name as the kernel writes it: it takes - for _.
func moduleName(s string) string { return strings.ReplaceAll(s, "-", "_") }

// dependencyOrder visits names depth first, so that what a name depends on
// comes before it. depends says fs.ErrNotExist for what there is no module of:
// no error for a name asked for, but for one depended on.
func dependencyOrder(names []string, depends func(string) ([]string, error)) ([]string, error) {
	var order []string
	state := map[string]int{} // 1: being visited, 2: done
	var visit func(name, from string) error
	visit = func(name, from string) error {
		name = moduleName(name)
		if state[name] == 2 {
			return nil
		}
		if state[name] == 1 {
			return fmt.Errorf("modules %s and %s need each other", from, name)
		}
		state[name] = 1
		needs, err := depends(name)
		if os.IsNotExist(err) && from == "" {
			state[name] = 2
			return nil
		}
		if err != nil {
			return fmt.Errorf("module %s: %w", name, err)
		}
		for _, n := range needs {
			if err := visit(n, name); err != nil {
				return err
			}
		}
		state[name] = 2
		order = append(order, name)
		return nil
	}
	for _, n := range names {
		if err := visit(n, ""); err != nil {
			return nil, err
		}
	}
	return order, nil
}

// moduleDepends reads "depends=a,b" of a module's .modinfo section.
func moduleDepends(ko []byte) ([]string, error) {
	f, err := elf.NewFile(bytes.NewReader(ko))
	if err != nil {
		return nil, err
	}
	s := f.Section(".modinfo")
	if s == nil {
		return nil, fmt.Errorf("no .modinfo")
	}
	info, err := s.Data()
	if err != nil {
		return nil, err
	}
	return modinfoDepends(info), nil
}

func modinfoDepends(info []byte) []string {
	for field := range bytes.SplitSeq(info, []byte{0}) {
		if list, ok := bytes.CutPrefix(field, []byte("depends=")); ok && len(list) != 0 {
			return strings.Split(string(list), ",")
		}
	}
	return nil
}
