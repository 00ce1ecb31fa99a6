package link

import (
	"errors"
	"os"
	"strings"

	"github.com/skepbpf/skep/internal/mkerr"
)

// checkPath refuses paths that would be cut at a NUL.
func checkPath(path string) error {
	if path == "" || strings.IndexByte(path, 0) >= 0 {
		return mkerr.Named("bad path %q", path)
	}
	return nil
}

// removeFile removes a pin; one that is gone already is as good.
func removeFile(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}
