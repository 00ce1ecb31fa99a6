package skep

import (
	"strings"

	"github.com/skepbpf/skep/internal/bin"
	"github.com/skepbpf/skep/internal/kernel"
	"github.com/skepbpf/skep/internal/mkerr"
	"github.com/skepbpf/skep/internal/step/kconfig"
	"github.com/skepbpf/skep/internal/tree"
)

// Config says where the values of CONFIG_ externs come from. Values go before
// Text, and Text before the kernel's own configuration: /boot/config-RELEASE,
// else /proc/config.gz. What is read is only what is still sought.
type Config struct {
	// Values by option, written as in a config file: y, n, m, "a string" with
	// its quotes, or a number.
	Values map[string]string
	// Text of a config file, which may be compressed by gzip.
	Text []byte
	// NoKernel: the kernel's own configuration is not read.
	NoKernel bool
}

const (
	givenValues = "the values given"
	givenText   = "the text given"
)

// check finds what would silently have no effect.
func (c *Config) check() error {
	names := keys(c.Values)
	bin.SortStrings(names)
	for _, n := range names {
		if !kconfig.IsOption(n) {
			return mkerr.Named("config: %s is no option: names begin with CONFIG_", n)
		}
	}
	return nil
}

// readConfig answers the options in names.
func (f *Facts) readConfig(names []string, root tree.Root, c *Config) error {
	if c == nil {
		c = &Config{}
	}
	if err := c.check(); err != nil {
		return err
	}
	if len(names) == 0 {
		return nil
	}
	f.Config = make(map[string]Fact[string], len(names))
	asked := []string{}
	left := f.known(names, c.Values, givenValues)
	if len(c.Values) > 0 {
		asked = append(asked, givenValues)
	}
	if len(c.Text) > 0 {
		text, err := kernel.PlainConfig(c.Text)
		if err != nil {
			return mkerr.WrapNamed("config: %s: %w", givenText, err)
		}
		left = f.known(left, kernel.ParseConfig(text, left), givenText)
		asked = append(asked, givenText)
	}
	if len(left) > 0 && !c.NoKernel {
		text, from, err := kernel.ReadConfig(root, f.Release)
		if err != nil {
			for _, n := range left {
				f.Config[n] = Fact[string]{State: Hidden, Err: err}
			}
			return nil
		}
		left = f.known(left, kernel.ParseConfig(text, left), from)
		asked = append(asked, from)
	}
	for _, n := range left {
		f.Config[n] = Fact[string]{State: Absent, From: strings.Join(asked, " and ")}
	}
	return nil
}

// known records the values that answer names, and gives the names that are
// left. Inlined, it would be three times in one function.
//
//go:noinline
func (f *Facts) known(names []string, values map[string]string, from string) (left []string) {
	for _, n := range names {
		if v, ok := values[n]; ok {
			f.Config[n] = Fact[string]{State: Known, Value: v, From: from}
		} else {
			left = append(left, n)
		}
	}
	return left
}
