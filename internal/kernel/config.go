package kernel

import (
	"bytes"
	"io"
	"io/fs"

	"github.com/skepbpf/skep/internal/bin"
	"github.com/skepbpf/skep/internal/mkerr"
	"github.com/skepbpf/skep/internal/tree"
)

// maxConfig bounds the text of a configuration; real ones are below 400 KiB.
const maxConfig = 16 << 20

// ReadConfig reads the text of the kernel's configuration: /boot/config-R for
// release R, else /proc/config.gz. Either may be compressed. from is the file's
// path. The error Is fs.ErrNotExist if there is neither.
func ReadConfig(root tree.Root, release string) (text []byte, from string, err error) {
	boot := "boot/config-" + release
	if release == "" || !fs.ValidPath(boot) {
		boot = ""
	}
	var errs []error
	for _, name := range [...]string{boot, "proc/config.gz"} {
		if name == "" {
			continue
		}
		f, err := root.Open(name)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		defer f.Close()
		b, err := readAtMost(f, maxConfig)
		if err == nil {
			b, err = PlainConfig(b)
		}
		if err != nil {
			return nil, "", mkerr.WrapNamed("/%s: %w", name, err)
		}
		return b, "/" + name, nil
	}
	return nil, "", mkerr.Join(errs...)
}

// PlainConfig is the text of a configuration that may be compressed by gzip.
func PlainConfig(b []byte) ([]byte, error) {
	if !bytes.HasPrefix(b, gzipMagic) {
		return b, nil
	}
	return gunzip(b, maxConfig)
}

// readAtMost reads all of r, and fails if that is more than limit bytes.
func readAtMost(r io.Reader, limit int) ([]byte, error) {
	b, err := bin.ReadUpTo(r, 32<<10, limit+1)
	if err != nil {
		return nil, err
	}
	if len(b) > limit {
		return nil, mkerr.Errorf("more than %d bytes", limit)
	}
	return b, nil
}

// ParseConfig finds the values of keys ("CONFIG_HZ") in the text of a
// configuration: what stands after '=', quotes included. A key that is absent
// or commented out is absent from the result. Of a key set twice the first
// value counts, as in libbpf.
func ParseConfig(text []byte, keys []string) map[string]string {
	found := make(map[string]string, len(keys))
	if len(keys) == 0 {
		return found
	}
	want := make(map[string]bool, len(keys))
	for _, k := range keys {
		want[k] = true
	}
	left := len(want)
	for len(text) > 0 && left > 0 {
		line := text
		if i := bytes.IndexByte(text, '\n'); i >= 0 {
			line, text = text[:i], text[i+1:]
		} else {
			text = nil
		}
		if len(line) == 0 || line[0] != 'C' { // comments are the most frequent
			continue
		}
		key, value, ok := bytes.Cut(line, []byte{'='})
		if !ok || !want[string(key)] {
			continue
		}
		want[string(key)] = false
		found[string(key)] = string(bytes.TrimSuffix(value, []byte{'\r'}))
		left--
	}
	return found
}
