// Package probe asks the kernel which features it has. Each probe is a raw
// system call or two, made of attributes of internal/sys alone, and leaves
// nothing behind. It is conclusive only where the kernel's answer can mean
// nothing else; anything in between (no permission, no memory) is an error
// and is not remembered.
//
// Nothing is asked at import, and the library asks only to explain a failure
// or to choose between forms.
package probe

import (
	"errors"

	"github.com/skepbpf/skep/internal/feature"
	"github.com/skepbpf/skep/internal/mkerr"
	"github.com/skepbpf/skep/internal/sys"
)

// answer is what one trial showed.
type answer = feature.Answer

// trial is one row of the table: what to try, and how its failure is to be
// read.
type trial struct {
	// try gives nil if the feature is there.
	try func(*asker) error
	// blob is, instead of try, BTF that loads only with the feature.
	blob func() []byte
	// control is the same without the feature. A refusal of try means "no"
	// only if control passes: kernels refuse for many reasons with the same
	// errno. nil if the refusal has no other reading.
	control func(*asker) error
	// no are the errors of try that can mean "no".
	no []error
}

// invalid is how most kernels say that they do not know something: a value
// (EINVAL), or a field behind the struct that they know (E2BIG).
var invalid = []error{sys.EINVAL, sys.E2BIG}

// errMissing is what try gives if it has seen for itself that the feature is
// missing.
var errMissing = errors.New("missing")

// asker carries what is the same for all probes of one Ask.
type asker struct {
	token int
}

// Ask answers the features ids as far as they are not yet known to set, and
// records the answers there. learnedNo reports whether a "no" is among the
// new ones. err tells which probes were not conclusive; the others have been
// recorded all the same. token is a BPF token's descriptor, 0 for none.
func Ask(set *feature.Set, token int, ids ...feature.ID) (learnedNo bool, err error) {
	a := &asker{token: token}
	var errs []error
	for _, id := range ids {
		if set.Get(id) != feature.Unknown {
			continue
		}
		ans, err := a.ask(id)
		if err != nil {
			errs = append(errs, mkerr.Errorf("probe %s: %w", id, err))
		}
		if set.Learn(id, ans) && ans == feature.No {
			learnedNo = true
		}
	}
	return learnedNo, mkerr.Join(errs...)
}

func (a *asker) ask(id feature.ID) (answer, error) {
	if id >= feature.Count || !trials[id].known() {
		return feature.Unknown, errors.New("no such probe")
	}
	t := &trials[id]
	err := t.run(a)
	switch {
	case err == nil:
		return feature.Yes, nil
	case errors.Is(err, errMissing):
		return feature.No, nil
	case !isAny(err, t.no):
		return feature.Unknown, err
	}
	if t.control != nil {
		if cerr := t.control(a); cerr != nil {
			return feature.Unknown, mkerr.Errorf("%w (control: %w)", err, cerr)
		}
	}
	return feature.No, nil
}

func (t *trial) known() bool { return t.try != nil || t.blob != nil }

func (t *trial) run(a *asker) error {
	if t.blob != nil {
		return a.tryBTF(t.blob())
	}
	return t.try(a)
}

//go:noinline
func isAny(err error, list []error) bool {
	for _, e := range list {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}
