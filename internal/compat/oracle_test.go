package compat

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"

	"github.com/skepbpf/skep/internal/testutil"
)

// image is what PROG_LOAD was given, with map descriptors taken out.
type image struct {
	Type         uint32
	Attach       uint32
	Flags        uint32
	AttachBTF    uint32
	AttachModule string
	License      string
	Insns        []byte         // 8 bytes a slot
	Refs         map[int]string // slot of a wide load → the map that its immediate was
	Funcs        []uint32       // slots where functions begin, as func_info says
	Lines        uint32         // line_info records
}

// verdict is what became of one program.
type verdict struct {
	Section string
	OK      bool
	Error   string
	Errno   syscall.Errno // 0: none, or not the kernel's word
	Step    string        // of skep that failed without one
	Image   *image        // nil: PROG_LOAD was not reached
}

// key names a program of an object.
type key struct{ object, program string }

// oraclePath builds the libbpf oracle, or takes the one that SKEP_ORACLE names.
func oraclePath(t *testing.T) string {
	t.Helper()
	if p := os.Getenv("SKEP_ORACLE"); p != "" {
		return p
	}
	testutil.NeedTool(t, "gcc")
	testutil.NeedTool(t, "ar")
	testutil.NeedFile(t, "package libelf-dev", "/usr/include/gelf.h")
	testutil.NeedFile(t, "package zlib1g-dev", "/usr/include/zlib.h")
	dir := t.TempDir()
	cmd := exec.Command("oracle/build.sh", dir)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		testutil.Missing(t, fmt.Sprintf("the source of libbpf, of which the oracle is built (%v: %s),", err, bytes.TrimSpace(out.Bytes())))
	}
	return filepath.Join(dir, "oracle")
}

// runOracle loads every program of every object alone with libbpf.
func runOracle(t *testing.T, oracle string, objects []object) map[key]verdict {
	t.Helper()
	args := []string{"dump"}
	names := map[string]string{}
	for _, o := range objects {
		args = append(args, o.path)
		names[o.path] = o.name
	}
	out, err := exec.Command(oracle, args...).Output()
	if _, exited := err.(*exec.ExitError); err != nil && !exited { // exit status 1: some object did not open
		t.Fatalf("oracle: %v", err)
	}
	all := map[key]verdict{}
	if err := oracleLines(out, func(o, p string, v verdict) { all[key{names[o], p}] = v }); err != nil {
		t.Fatal(err)
	}
	return all
}

// oracleLines decodes what `oracle dump` prints.
func oracleLines(out []byte, each func(object, program string, v verdict)) error {
	lines := bufio.NewScanner(bytes.NewReader(out))
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		if !bytes.HasSuffix(lines.Bytes(), []byte("}")) {
			continue // empty, or of a process that died
		}
		o, p, v, err := oracleLine(lines.Bytes())
		if err != nil {
			return err
		}
		each(o, p, v)
	}
	return lines.Err()
}

// oracleLine decodes one line of `oracle dump`.
func oracleLine(b []byte) (object, program string, v verdict, err error) {
	var l struct {
		Object, Program, Section, Error string
		OK                              bool
		Errno                           syscall.Errno
		Type                            uint32
		AttachType                      uint32 `json:"attach_type"`
		Flags                           uint32
		AttachBTFID                     uint32 `json:"attach_btf_id"`
		AttachModule                    string `json:"attach_module"`
		License                         string
		LineInfos                       uint32   `json:"line_infos"`
		FuncInfos                       []uint32 `json:"func_infos"`
		Insns                           string
		Refs                            map[string]string
	}
	if err := json.Unmarshal(b, &l); err != nil {
		return "", "", v, fmt.Errorf("oracle line %.200q: %w", b, err)
	}
	v = verdict{Section: l.Section, OK: l.OK, Error: l.Error, Errno: l.Errno}
	if l.Insns != "" {
		insns, err := hex.DecodeString(l.Insns)
		if err != nil {
			return "", "", v, err
		}
		v.Image = &image{
			Type: l.Type, Attach: l.AttachType, Flags: l.Flags, AttachBTF: l.AttachBTFID, AttachModule: l.AttachModule,
			License: l.License, Insns: insns, Refs: map[int]string{}, Funcs: l.FuncInfos, Lines: l.LineInfos,
		}
		for slot, name := range l.Refs {
			n, err := strconv.Atoi(slot)
			if err != nil {
				return "", "", v, err
			}
			v.Image.Refs[n] = mapName(name)
		}
	}
	return l.Object, l.Program, v, nil
}
