package compat

import (
	"cmp"
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// errnos are the names of what loads end with.
var errnos = map[syscall.Errno]string{
	syscall.EPERM: "EPERM", syscall.ENOENT: "ENOENT", syscall.ESRCH: "ESRCH", syscall.E2BIG: "E2BIG", syscall.EBADF: "EBADF",
	syscall.EAGAIN: "EAGAIN", syscall.ENOMEM: "ENOMEM", syscall.EACCES: "EACCES", syscall.EFAULT: "EFAULT", syscall.EBUSY: "EBUSY",
	syscall.EEXIST: "EEXIST", syscall.ENODEV: "ENODEV", syscall.EINVAL: "EINVAL", syscall.ENOSPC: "ENOSPC", syscall.ERANGE: "ERANGE",
	syscall.EDOM: "EDOM", syscall.ELOOP: "ELOOP", syscall.EOPNOTSUPP: "EOPNOTSUPP", syscall.EINTR: "EINTR", syscall.ENOSYS: "ENOSYS",
	syscall.EBADMSG: "EBADMSG", syscall.ENODATA: "ENODATA", 524: "ENOTSUPP",
	syscall.ETIME: "too-long", syscall.ECANCELED: "left-out",
	4000: "LIBELF", 4001: "FORMAT", 4003: "ENDIAN", 4007: "VERIFY", 4009: "KVERSION", 4011: "RELOC",
}

// word is the verdict in a word: the kernel's, or the step of skep that gave up.
func (v verdict) word() string {
	switch {
	case v.OK:
		return "ok"
	case v.Errno == 0:
		return v.Step
	}
	if name, ok := errnos[v.Errno]; ok {
		return name
	}
	return fmt.Sprintf("errno-%d", int(v.Errno))
}

// instructions says whether the kernel was given the same by both.
func (r *row) instructions() string {
	switch {
	case !r.seen:
		return "-"
	case r.diff != "":
		return "differ"
	}
	return "same"
}

// text gives a row in the form of the committed tables.
func (r *row) text() string {
	program := r.program
	if program == "" {
		program = "-"
	}
	return strings.Join([]string{r.object, program, r.libbpf, r.skep, r.instructions()}, " ") + "\n"
}

// tables are what the flag -table asks for: the outcome of every program; with
// it, beside a file, one with sections and errors (.long). They are written as
// rows come, as a run may meet a bug of the kernel and not end.
type tables struct {
	short, long *os.File // nil: not asked for
}

func openTables(t *testing.T) *tables {
	t.Helper()
	var w tables
	switch *table {
	case "":
	case "-":
		w.short = os.Stdout
	default:
		for name, f := range map[string]**os.File{*table: &w.short, *table + ".long": &w.long} {
			var err error
			if *f, err = os.Create(name); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = (*f).Close() })
		}
	}
	return &w
}

// add writes the rows of an object, sorted.
func (w *tables) add(t *testing.T, rows []row) {
	t.Helper()
	slices.SortFunc(rows, func(a, b row) int { return cmp.Or(cmp.Compare(a.object, b.object), cmp.Compare(a.program, b.program)) })
	for i := range rows {
		r := &rows[i]
		text := r.text()
		if w.short == os.Stdout {
			text = "row: " + text
		}
		if w.short != nil {
			if _, err := w.short.WriteString(text); err != nil {
				t.Fatal(err)
			}
		}
		if w.long != nil {
			if _, err := fmt.Fprintf(w.long, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", r.outcome, r.object, r.program, r.section, r.libbpf, r.skep, r.asked, r.note); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// count logs the sums, and fails if skep loads too few of what libbpf loads.
func count(t *testing.T, objects int, rows []row) {
	t.Helper()
	n := map[string]int{}
	both, differ := 0, 0
	for i := range rows {
		r := &rows[i]
		if r.program == "" {
			n["objects without programs"]++
			continue
		}
		n[r.outcome]++
		if r.seen {
			both++
			if r.diff != "" {
				differ++
			}
		}
	}
	loaded := n["same"] + n["differs"] + n["both"]
	libbpf := loaded + n["libbpf only"]
	t.Logf("%d objects, %d programs: libbpf loads %d, skep %d of them (%.2f %%) and %d others; refused by both %d", objects, len(rows)-n["objects without programs"],
		libbpf, loaded, 100*float64(loaded)/float64(max(libbpf, 1)), n["skep only"], n["refused"]+n["neither"])
	t.Logf("both gave the kernel instructions: %d programs, %d of them different", both, differ)
	if float64(loaded) < share*float64(libbpf) {
		t.Errorf("skep loads less than %.1f %% of what libbpf loads", 100*share)
	}
}
