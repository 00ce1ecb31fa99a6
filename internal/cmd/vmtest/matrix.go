package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"time"
)

// matrix runs all that was asked for and prints a table. It returns false if
// anything in it is red.
func (o *options) matrix() (bool, error) {
	list, err := findTargets(o.kernels)
	if err != nil {
		return false, err
	}
	if err := errors.Join(o.check(), haveTools(list)); err != nil {
		return false, err
	}
	if o.shell && len(list) != 1 {
		return false, fmt.Errorf("-shell takes one kernel, not %s", o.kernels)
	}
	s, err := newSession()
	if err != nil {
		return false, err
	}
	defer s.close()
	ran, err := readRan(s.root)
	if err != nil {
		return false, err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	results := make([]result, len(list))
	if o.shell {
		results[0].target = list[0]
		return true, o.one(ctx, s, &results[0], os.Stdout)
	}
	o.guestsOf(ctx, s, list, results, ran)
	return summary(os.Stdout, results), nil
}

// guestsOf runs some guests at a time, in the order of the list.
func (o *options) guestsOf(ctx context.Context, s *session, list []target, results []result, ran ranList) {
	var group sync.WaitGroup
	out := &terminals{w: os.Stdout}
	slots := make(chan struct{}, o.guests)
	for i, t := range list {
		slots <- struct{}{}
		group.Go(func() {
			defer func() { <-slots }()
			w := out.guest(t.name, len(list) > 1 && o.guests > 1)
			r := &results[i]
			r.target = t
			if r.err = errInterrupted; ctx.Err() == nil {
				r.err = o.one(ctx, s, r, w)
			}
			s.mu.Lock()
			o.compare(s.root, ran, r)
			s.mu.Unlock()
			r.print(w, o.verbose)
		})
	}
	group.Wait()
}

// compare holds a result against the list, or makes the list what it says: for
// each guest as it ends, so that an interrupted run is not lost.
func (o *options) compare(root string, ran ranList, r *result) {
	if r.log == nil || !o.whole() || o.ran == ranOff {
		return
	}
	r.ran = ran.compare(r.target.name, r.log, o.all())
	if r.update = o.ran == ranUpdate; r.update {
		r.err = errors.Join(r.err, updateRan(root, ran, r, o.all()))
	}
}

// one runs the packages in one guest.
func (o *options) one(ctx context.Context, s *session, r *result, w io.Writer) error {
	k, bins, err := s.ready(r.target, o.patterns())
	if err != nil {
		return err
	}
	r.release = k.release
	timeout := o.timeout
	if k.arch != hostArch() {
		timeout *= 2
	}
	args := []string{"-test.v=test2json", "-test.timeout=" + (timeout - timeout/10).String()}
	if o.run != "" {
		args = append(args, "-test.run="+o.run)
	} else {
		args = append(args, "-test.skip="+notInGuests)
	}
	for i := range bins {
		bins[i].args = append(args, o.args...)
	}
	j := s.job(bins)
	if o.shell {
		j.shell = true
		return s.shell(j, k)
	}
	fmt.Fprintf(w, "=== %s: %s\n", r.target.name, k.release)
	r.log = newLog(j.mark, names(bins))
	start := time.Now()
	r.cpu, err = s.guest(ctx, j, k, timeout, func(line string) {
		_, ended := r.log.line(line)
		if text := strings.ReplaceAll(cleanLine(line), testEscape, ""); o.verbose && text != "" {
			fmt.Fprintln(w, text)
		}
		if ended != nil {
			printRun(w, ended, o.verbose)
		}
	})
	r.took = time.Since(start)
	r.log.cutShort()
	return err
}

func names(bins []binary) []string {
	var out []string
	for _, b := range bins {
		out = append(out, b.name)
	}
	return out
}

// terminals is what several guests write to.
type terminals struct {
	mu sync.Mutex
	w  io.Writer
}

// guest is a writer of whole lines, which begin with the guest's name if others
// write too.
func (c *terminals) guest(name string, others bool) io.Writer {
	w := &guestWriter{c: c}
	if others {
		w.prefix = fmt.Sprintf("%-5s | ", name)
	}
	return w
}

// guestWriter is used by one goroutine.
type guestWriter struct {
	c      *terminals
	prefix string
	rest   []byte // of a line that has not ended
}

func (g *guestWriter) Write(b []byte) (int, error) {
	g.rest = append(g.rest, b...)
	var out []byte
	for {
		line, rest, ok := strings.Cut(string(g.rest), "\n")
		if !ok {
			break
		}
		out = append(append(append(out, g.prefix...), line...), '\n')
		g.rest = []byte(rest)
	}
	g.c.mu.Lock()
	defer g.c.mu.Unlock()
	if _, err := g.c.w.Write(out); err != nil {
		return 0, err
	}
	return len(b), nil
}
