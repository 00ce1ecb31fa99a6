package sys

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
	raw, err := fd.Borrow()
	if err != nil {
		return nil, err
	}
	defer fd.Release()
	b := make([]byte, min(limit, 512))
	for n := 0; ; {
		got, err := Read(raw, b[n:])
		n += got
		switch {
		case err != nil:
			return nil, err
		case got == 0:
			return b[:n], nil
		case n == len(b):
			b = append(b, make([]byte, min(n, limit-n))...)
		}
	}
}
