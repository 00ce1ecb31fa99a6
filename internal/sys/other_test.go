//go:build !linux

package sys

import (
	"errors"
	"testing"
)

func TestOffLinuxNothingIsSupported(t *testing.T) {
	_, mapErr := MapCreate(&MapCreateAttr{})
	_, perfErr := PerfEventOpen(&PerfEventAttr{}, 0, 0, -1, 0)
	_, mmapErr := Mmap(nil, 0, 1, PROT_READ, MAP_PRIVATE|MAP_ANONYMOUS)
	_, netErr := NetlinkRoute(nil)
	_, openErr := OpenDetached("tracefs")
	for _, err := range []error{mapErr, perfErr, mmapErr, netErr, openErr} {
		if !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("%v is not errors.ErrUnsupported", err)
		}
	}
}
