package sys

import "io"

// Flags of OpenPath and OpenAt.
const (
	O_RDONLY    = 0
	O_WRONLY    = 1
	O_RDWR      = 2
	O_APPEND    = 0x400
	O_NONBLOCK  = 0x800
	O_DIRECTORY = 0x10000
	O_PATH      = 0x200000
)

// File system types, as StatfsMagic gives them (linux/magic.h).
const (
	BPF_FS_MAGIC        uint32 = 0xcafe4a11
	TRACEFS_MAGIC       uint32 = 0x74726163
	DEBUGFS_MAGIC       uint32 = 0x64626720
	CGROUP2_SUPER_MAGIC uint32 = 0x63677270
)

// ReadFileAt reads all of a file below the directory dir, up to limit bytes.
func ReadFileAt(dir int, path string, limit int) ([]byte, error) {
	fd, err := OpenAt(dir, path, O_RDONLY)
	if err != nil {
		return nil, err
	}
	defer fd.Close()
	return io.ReadAll(io.LimitReader(fdReader{fd}, int64(limit)))
}

type fdReader struct{ fd *FD }

func (r fdReader) Read(b []byte) (int, error) {
	raw, err := r.fd.Borrow()
	if err != nil {
		return 0, err
	}
	defer r.fd.Release()
	n, err := Read(raw, b)
	if n == 0 && err == nil && len(b) > 0 {
		err = io.EOF
	}
	return n, err
}
