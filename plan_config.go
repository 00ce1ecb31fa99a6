package skep

import (
	"errors"
	"fmt"

	"github.com/skepbpf/skep/internal/feature"
	"github.com/skepbpf/skep/internal/mkerr"
	"github.com/skepbpf/skep/internal/step/kconfig"
)

// config puts the value of a .kconfig extern into the map's contents.
func (p *planner) config(x *plannedExtern) error {
	if p.kconfig == nil {
		n := uint32(0)
		for _, e := range p.spec.object.Externs {
			if isConfig(e) {
				n = max(n, e.Offset+e.Size)
			}
		}
		p.kconfig = make([]byte, n)
	}
	b, err := p.configValue(x)
	if err != nil {
		return err
	}
	copy(p.kconfig[x.def.Offset:x.def.Offset+x.def.Size], b)
	return nil
}

// configValue gives the bytes of a .kconfig extern; none for one that is 0.
func (p *planner) configValue(x *plannedExtern) (b []byte, err error) {
	f, virtual := virtualExtern(x.Name)
	switch {
	case x.Name == kconfig.KernelVersion:
		v := p.facts.versionOf()
		x.Value = fmt.Sprintf("%d.%d.%d", v>>16, v>>8&0xff, v&0xff)
		return kconfig.EncodeNumber(p.spec.Types, x.def.Type, uint64(v))
	case virtual:
		return p.featureValue(x, f)
	case !kconfig.IsOption(x.Name):
		err = errors.New("no configuration option (CONFIG_…), and no fact about the kernel that skep knows")
		if !x.Weak || !kconfig.MayBeUnknown(x.Name) {
			return nil, err
		}
		x.zero(err)
		return nil, nil
	}
	return p.optionValue(x)
}

// zero makes x what a weak extern is without a value.
func (x *plannedExtern) zero(err error) {
	x.Missing, x.Value = err, "0 (weak: "+err.Error()+")"
}

// featureValue is 1 if the kernel has f.
func (p *planner) featureValue(x *plannedExtern, f Feature) ([]byte, error) {
	n := uint64(0)
	x.Value = "0"
	switch p.facts.Features.Get(f) {
	case feature.Yes:
		n, x.Value = 1, "1"
	case feature.No:
		p.lose(fmt.Sprintf("extern %s is 0: %v", x.Name, feature.Unsupported(f)))
	case feature.Unknown:
		p.lose(fmt.Sprintf("extern %s is 0: whether the kernel has %v is not known: %s", x.Name, f, p.facts.whyUnknown()))
	}
	return kconfig.EncodeNumber(p.spec.Types, x.def.Type, n)
}

// optionValue is that of a configuration option.
func (p *planner) optionValue(x *plannedExtern) ([]byte, error) {
	v := p.facts.Config[x.Name]
	var err error
	switch v.State {
	case Known:
		x.Value, x.From = v.Value, v.From
		b, err := kconfig.Encode(p.spec.Types, x.def.Type, v.Value)
		if err != nil && v.From != "" {
			err = mkerr.Errorf("%w (in %s)", err, v.From)
		}
		return b, err
	case Hidden:
		err = mkerr.Wrap("the kernel's configuration cannot be read: %w", v.Err)
	case NotAsked:
		err = errors.New("the facts do not say")
	default:
		err = errors.New("not set in the kernel's configuration")
		if v.From != "" {
			err = errors.New("not set in " + v.From)
		}
	}
	if !x.Weak {
		return nil, err
	}
	if v.State == Hidden {
		p.lose(fmt.Sprintf("extern %s is 0: %v", x.Name, err))
	}
	x.zero(err)
	return nil, nil
}
