package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/skepbpf/skep"
	"github.com/skepbpf/skep/btf"
	"github.com/skepbpf/skep/elf"
)

// output adds the flag for a file that a verb writes.
func (f *btfFlags) output() *string { return f.String("o", "", "`file` to write") }

// write puts b into the file of -o.
func (f *btfFlags) write(name string, b []byte) int {
	if name == "" {
		return f.fail(exitUsage, errors.New("-o FILE is missing"))
	}
	if err := os.WriteFile(name, b, 0o644); err != nil {
		return f.fail(exitUsage, err)
	}
	return exitGood
}

func btfMin(e env, args []string) int {
	f := newBTFFlags(e, "min")
	defer f.close()
	f.in()
	out := f.output()
	paths, code, ok := f.args(args, 1)
	if !ok {
		return code
	}
	kernel, err := f.source(f.from)
	if err != nil {
		return f.fail(exitUsage, err)
	}
	var objects []btf.COREObject
	for _, path := range paths {
		b, err := os.ReadFile(path)
		if err != nil {
			return f.fail(exitUsage, err)
		}
		o, err := elf.Parse(b)
		if err != nil {
			return f.fail(exitUsage, fmt.Errorf("%s: %w", path, err))
		}
		objects = append(objects, btf.COREObject{Types: o.Types, Relos: btf.RelosOf(o.Notes)})
	}
	little, err := btf.Minimize([]*btf.Spec{kernel}, objects...)
	if err != nil {
		return f.fail(exitRejected, err)
	}
	return f.write(*out, little.Bytes())
}

func btfDedup(e env, args []string) int {
	f := newBTFFlags(e, "dedup")
	defer f.close()
	out := f.output()
	rest, code, ok := f.args(args, 1)
	if !ok {
		return code
	}
	s, err := f.source(rest[0])
	if err != nil {
		return f.fail(exitUsage, err)
	}
	r, err := btf.Dedup(s, nil)
	if err != nil {
		return f.fail(exitRejected, err)
	}
	if code = f.write(*out, r.Types.Bytes()); code == exitGood {
		fmt.Fprintf(e.out, "%d types, then %d\n", s.Len()-1, r.Types.Len()-1)
	}
	return code
}

func btfPack(e env, args []string) int {
	f := newBTFFlags(e, "pack")
	defer f.close()
	out := f.output()
	rest, code, ok := f.args(args, 1)
	if !ok {
		return code
	}
	files := map[string][]byte{}
	dir := os.DirFS(rest[0])
	err := fs.WalkDir(dir, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := fs.ReadFile(dir, path)
		if err == nil {
			_, err = btf.Parse(b)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		files[path] = b
		return nil
	})
	var b bytes.Buffer
	if err == nil {
		err = btf.WriteArchive(&b, files)
	}
	if err != nil {
		return f.fail(exitUsage, err)
	}
	if code = f.write(*out, b.Bytes()); code == exitGood {
		fmt.Fprintf(e.out, "%d files, %d bytes\n", len(files), b.Len())
	}
	return code
}

func btfCheck(e env, args []string) int {
	f := newBTFFlags(e, "check")
	defer f.close()
	all := f.Bool("all", false, "also what is missing behind a test whether it exists")
	rest, code, ok := f.args(args, 2)
	if !ok {
		return code
	}
	spec, err := skep.Open(rest[0])
	if err != nil {
		return f.fail(exitUsage, err)
	}
	for _, name := range rest[1:] {
		s, err := f.source(name)
		if err != nil {
			return f.fail(exitUsage, err)
		}
		misfits, err := spec.Misfits(&skep.Facts{BTF: btf.KernelOf(s)})
		if err != nil {
			return f.fail(exitRejected, err)
		}
		fails := false
		for _, m := range misfits {
			fails = fails || m.Fails
		}
		fmt.Fprintf(e.out, "%s: %s\n", name, map[bool]string{false: "fits", true: "fails"}[fails])
		if fails {
			code = exitRejected
		}
		for _, text := range misfitTexts(misfits, *all) {
			fmt.Fprintf(e.out, "\t%s\n", text)
		}
	}
	return code
}

// place is what is missing, and where. To read one bitfield takes six
// relocations, which may be of several lines: one text tells of them.
type place struct {
	program, function, field, why string
	fails                         bool
}

func placeOf(m *skep.Misfit) place {
	_, field, _ := strings.Cut(m.What, " ")
	return place{m.Program, m.Function, field, m.Why, m.Fails}
}

// misfitTexts says what fails, or all that is missing.
func misfitTexts(misfits []skep.Misfit, all bool) (texts []string) {
	lines := map[place][]string{}
	for _, m := range misfits {
		if at := placeOf(&m); !slices.Contains(lines[at], m.Source) {
			lines[at] = append(lines[at], m.Source)
		}
	}
	for _, m := range misfits {
		if at := placeOf(&m); (m.Fails || all) && lines[at] != nil {
			texts = append(texts, misfitText(&m, lines[at][1:]))
			lines[at] = nil
		}
	}
	return texts
}

func misfitText(m *skep.Misfit, also []string) string {
	if m.What == "" {
		return fmt.Sprintf("program %s: %s", m.Program, m.Why)
	}
	text := fmt.Sprintf("program %s: %s+%d", m.Program, m.Function, m.Insn)
	if m.Source != "" {
		text += " (" + m.Source + ")"
	}
	text += ": " + m.What + ": " + strings.TrimPrefix(m.Why, placeOf(m).field+": ")
	if len(also) > 0 {
		text += "; also at " + strings.Join(also, ", ")
	}
	if !m.Fails {
		text += "; not reached"
	}
	return text
}
