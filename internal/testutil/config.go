package testutil

import (
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"strings"
	"sync"
	"testing"
)

// HasConfig reports whether the running kernel was built with an option, such
// as "CONFIG_KPROBES", as part of it or as a module. Where the configuration
// cannot be read it is true: no skip rests on a guess.
func HasConfig(tb testing.TB, option string) bool {
	tb.Helper()
	return configHas(runningConfig(), option)
}

func configHas(text []byte, option string) bool {
	return text == nil ||
		bytes.Contains(text, []byte("\n"+option+"=y\n")) ||
		bytes.Contains(text, []byte("\n"+option+"=m\n"))
}

// runningConfig is the text of the configuration, nil where it cannot be had.
var runningConfig = sync.OnceValue(func() []byte {
	if f, err := os.Open("/proc/config.gz"); err == nil {
		defer f.Close()
		z, err := gzip.NewReader(f)
		if err != nil {
			return nil
		}
		text, err := io.ReadAll(z)
		if err != nil {
			return nil
		}
		return text
	}
	release, err := os.ReadFile("/proc/sys/kernel/osrelease")
	if err != nil {
		return nil
	}
	text, err := os.ReadFile("/boot/config-" + strings.TrimSpace(string(release)))
	if err != nil {
		return nil
	}
	return text
})
