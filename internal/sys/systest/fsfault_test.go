package systest

import (
	"errors"
	"io"
	"io/fs"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/skepbpf/skep/internal/sys"
)

// used is what came of the operations of use: nothing where one failed.
type used struct {
	Read, Mapped, At string
	Size             int64
	Names, Errors    int
}

// use does each operation once.
func use(f *FaultyFS) (got used) {
	note := func(err error) bool {
		if err != nil && !errors.Is(err, io.EOF) {
			got.Errors++
		}
		return err == nil
	}
	file, err := f.Open("dir/file")
	if !note(err) {
		return got
	}
	defer file.Close()
	var err2 error
	got.Size, err2 = file.(io.Seeker).Seek(0, io.SeekEnd)
	note(err2)
	if _, err := file.(io.Seeker).Seek(0, io.SeekStart); err != nil {
		got.Errors += 100
	}
	b, err := io.ReadAll(file)
	got.Read = string(b)
	note(err)
	at := make([]byte, 4)
	n, err := file.(io.ReaderAt).ReadAt(at, 2)
	got.At = string(at[:n])
	note(err)
	b, err = file.(interface{ Map() ([]byte, error) }).Map()
	got.Mapped = string(b)
	note(err)
	names, err := f.ReadDir("dir")
	got.Names = len(names)
	note(err)
	return got
}

func TestFSFaults(t *testing.T) {
	const text = "0123456789"
	files := fstest.MapFS{"dir/file": {Data: []byte(text)}}
	good := use(FS(files, FSFault{}))
	if want := good; want.Read != text || want.Mapped != text || want.At != "2345" || want.Size != 10 || want.Names != 1 || want.Errors != 0 {
		t.Fatalf("without a fault: %+v", want)
	}
	count := FS(files, FSFault{Ops: AnyOp})
	use(count)
	if count.Matched() != 7 || count.Fired() != 0 { // open, seek, read twice, read at, map, readdir
		t.Errorf("%d operations, %d went wrong", count.Matched(), count.Fired())
	}
	for _, tt := range []struct {
		fault FSFault
		want  used
	}{
		{FSFault{Ops: OpOpen, N: 1, Err: sys.EIO}, used{Errors: 1}},
		{FSFault{Ops: OpOpen, N: 2, Err: sys.EIO}, good},
		{FSFault{Ops: OpSeek, N: 1, Err: sys.EIO}, used{text, text, "2345", 0, 1, 1}},
		{FSFault{Ops: OpRead, N: 1, Err: sys.EIO}, used{"", text, "2345", 10, 1, 1}},
		{FSFault{Ops: OpRead, N: 1, Rest: true, Err: sys.EIO}, used{"", text, "", 10, 1, 2}},
		{FSFault{Ops: OpMap, N: 1, Err: sys.EIO}, used{text, "", "2345", 10, 1, 1}},
		{FSFault{Ops: OpReadDir, N: 1, Err: sys.EIO}, used{text, text, "2345", 10, 0, 1}},
		{FSFault{Ops: AnyOp, N: 2, Rest: true, Err: sys.EIO}, used{Errors: 5}},
		{FSFault{Ops: AnyOp, N: 1, Rest: true, Harm: Truncate}, used{"01234", "01234", "23", 5, 0, 1}},
		{FSFault{Ops: AnyOp, N: 1, Rest: true, Harm: Larger}, used{text, text + "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00", "2345", 20, 1, 0}},
		{FSFault{Ops: AnyOp, N: 1, Rest: true, Harm: Smaller}, used{text, "01234", "2345", 5, 1, 0}},
		{FSFault{Ops: AnyOp, N: 1, Rest: true, Harm: Short}, good},
	} {
		f := FS(files, tt.fault)
		if diff := cmp.Diff(tt.want, use(f)); diff != "" {
			t.Errorf("%v (-want +got):\n%s", tt.fault, diff)
		}
		if f.OpenFiles() != 0 {
			t.Errorf("%v: %d files are open", tt.fault, f.OpenFiles())
		}
	}
	_, err := FS(files, FSFault{Ops: OpOpen, N: 1, Err: fs.ErrPermission}).Open("dir/file")
	var pe *fs.PathError
	if !errors.As(err, &pe) || pe.Path != "dir/file" || !errors.Is(err, fs.ErrPermission) {
		t.Errorf("%v", err)
	}
}
