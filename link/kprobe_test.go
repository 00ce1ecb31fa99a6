package link

import (
	"errors"
	"strings"
	"testing"

	"github.com/skepbpf/skep/internal/testutil"
	"github.com/skepbpf/skep/prog"
)

func TestKprobe(t *testing.T) {
	testutil.NeedRoot(t)
	testutil.Require(t, "", "CONFIG_KPROBES", "CONFIG_KPROBE_EVENTS")
	for _, tt := range []struct {
		name string
		o    KprobeOptions
	}{
		{"kprobe", KprobeOptions{Symbol: "vfs_statx"}},
		{"kretprobe", KprobeOptions{Symbol: "vfs_statx", Return: true}},
		{"legacy", KprobeOptions{Symbol: "vfs_statx", Legacy: true}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := newCounter(t)
			p := counting(t, c, prog.Spec{Type: prog.Kprobe}, 0)
			l, err := AttachKprobe(p, tt.o)
			if err != nil {
				t.Fatal(err)
			}
			fires(t, c, l, stat)
		})
	}
}

func TestKprobeMulti(t *testing.T) {
	testutil.NeedRoot(t)
	testutil.Require(t, "5.18") // and CONFIG_FPROBE, of which the error tells
	c := newCounter(t)
	p := counting(t, c, prog.Spec{Type: prog.Kprobe, Attach: prog.AttachTraceKprobeMulti}, 0)
	l, err := AttachKprobeMulti(p, KprobeMultiOptions{Symbols: []string{"vfs_statx", "vfs_read"}})
	if !testutil.HasConfig(t, "CONFIG_FPROBE") {
		if !errors.Is(err, errors.ErrUnsupported) || !strings.Contains(err.Error(), "CONFIG_FPROBE") {
			t.Errorf("without CONFIG_FPROBE: %v", err)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	fires(t, c, l, stat)
}

// What the kernel here lacks must be said, not guessed at.
func TestKprobeWithoutKprobes(t *testing.T) {
	testutil.NeedRoot(t)
	testutil.RequireWithout(t, "CONFIG_KPROBES")
	p := counting(t, newCounter(t), prog.Spec{Type: prog.Kprobe}, 0)
	_, err := AttachKprobe(p, KprobeOptions{Symbol: "vfs_statx"})
	if err == nil || !strings.Contains(err.Error(), "CONFIG_KPROBES") {
		t.Errorf("got %v", err)
	}
}

func TestKprobeOptions(t *testing.T) {
	for _, o := range []KprobeOptions{
		{}, {Symbol: "f", Address: 1}, {Address: 1, Offset: 1}, {Symbol: "f", Offset: 1, Return: true},
		{Symbol: "a b"}, {Symbol: "f+1"}, {Symbol: "f\n-:x"},
	} {
		if _, err := AttachKprobe(nil, o); err == nil || strings.Contains(err.Error(), "no program") {
			t.Errorf("%+v: %v", o, err)
		}
	}
}
