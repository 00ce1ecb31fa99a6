package main

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
)

func TestTerminals(t *testing.T) {
	var b strings.Builder
	out := &terminals{w: &b}
	var group sync.WaitGroup
	for _, name := range []string{"6.1", "5.10"} {
		group.Go(func() {
			w := out.guest(name, true)
			for range 100 {
				fmt.Fprint(w, "half a ")
				fmt.Fprintf(w, "line\nand another\n")
			}
		})
	}
	group.Wait()
	count := map[string]int{}
	for line := range strings.Lines(b.String()) {
		count[line]++
	}
	for _, want := range []string{"6.1   | half a line\n", "6.1   | and another\n", "5.10  | half a line\n", "5.10  | and another\n"} {
		if count[want] != 100 {
			t.Errorf("%d times %q", count[want], want)
		}
	}
	if len(count) != 4 {
		t.Errorf("%d different lines", len(count))
	}
	b.Reset()
	if _, err := io.WriteString(out.guest("6.1", false), "a\n"); err != nil || b.String() != "a\n" {
		t.Errorf("alone: %q, %v", b.String(), err)
	}
}

func TestOptions(t *testing.T) {
	good := options{ran: ranCheck, guests: 1, packages: kernelPackages}
	for _, tt := range []struct {
		name       string
		edit       func(*options)
		ok         bool
		whole, all bool
	}{
		{"default", func(o *options) {}, true, true, true},
		{"some packages", func(o *options) { o.packages = "./link" }, true, true, false},
		{"some tests", func(o *options) { o.run = "TestX" }, true, false, false},
		{"arguments", func(o *options) { o.args = []string{"-test.short"} }, true, false, false},
		{"shell", func(o *options) { o.shell = true }, true, false, false},
		{"update", func(o *options) { o.ran = ranUpdate }, true, true, true},
		{"update of some tests", func(o *options) { o.ran, o.run = ranUpdate, "TestX" }, false, false, false},
		{"no such -ran", func(o *options) { o.ran = "yes" }, false, true, true},
		{"no guest", func(o *options) { o.guests = 0 }, false, true, true},
	} {
		o := good
		tt.edit(&o)
		if err := o.check(); (err == nil) != tt.ok || o.whole() != tt.whole || o.all() != tt.all {
			t.Errorf("%s: %v, whole %v, all %v", tt.name, err, o.whole(), o.all())
		}
	}
}
