package bin

import "testing"

func TestLower(t *testing.T) {
	if got, want := Lower("BPF_[@AZaz`{]Ä0"), "bpf_[@azaz`{]Ä0"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
