package version

import "testing"

func TestParse(t *testing.T) {
	for in, want := range map[string]V{
		"6.18.44-fc":            {6, 18, 44},
		"5.10.0-33-amd64":       {5, 10, 0},
		"7.3-rc1":               {7, 3, 0},
		" 4.19.300 ":            {4, 19, 300},
		"5.15.0-105.115-ubuntu": {5, 15, 0},
	} {
		if got, err := Parse(in); err != nil || got != want {
			t.Errorf("Parse(%q) = %v, %v, want %v", in, got, err, want)
		}
	}
	for _, in := range []string{"", "x", "6", "6.", "70000.1", "6.x"} {
		if got, err := Parse(in); err == nil {
			t.Errorf("Parse(%q) = %v, want an error", in, got)
		}
	}
}

func TestCode(t *testing.T) {
	if got := (V{4, 19, 300}).Code(); got != 4<<16|19<<8|255 {
		t.Errorf("patch level is not capped: %#x", got)
	}
	if got := (V{6, 1, 2}).Code(); got != 0x060102 {
		t.Errorf("got %#x", got)
	}
}

func TestAtLeast(t *testing.T) {
	if !(V{6, 1, 0}).AtLeast(V{5, 19, 3}) || (V{5, 4, 0}).AtLeast(V{5, 4, 1}) || !(V{5, 4, 1}).AtLeast(V{5, 4, 1}) {
		t.Error("order")
	}
}
