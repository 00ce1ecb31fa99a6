package skep

import (
	"errors"

	"github.com/skepbpf/skep/internal/mkerr"
	"github.com/skepbpf/skep/link"
	"github.com/skepbpf/skep/prog"
)

// AttachOptions of Collection.Attach. A nil *AttachOptions is the default.
type AttachOptions struct {
	// Skip lists programs, and struct_ops maps, that are not to be attached.
	Skip []string
}

// Links are the attachments of a collection.
type Links struct {
	// ByProgram holds the link of each attached program.
	ByProgram map[string]link.Link
	// ByMap holds the link of each struct_ops map.
	ByMap map[string]*link.StructOps
	// Skipped says why a loaded program was not attached: its section does
	// not say where, or it is Optional and attaching failed.
	Skipped map[string]error

	order []link.Link
}

// Close ends all attachments, last first. What is pinned stays.
func (l *Links) Close() error {
	if l == nil {
		return nil
	}
	var errs []error
	for i := len(l.order) - 1; i >= 0; i-- {
		errs = append(errs, l.order[i].Close())
	}
	return mkerr.Join(errs...)
}

// Attach attaches every loaded program whose section says where, in the
// object's order, then every struct_ops map. If one fails that is not Optional, those attached before it
// are detached again.
func (c *Collection) Attach(o *AttachOptions) (*Links, error) {
	links := &Links{ByProgram: map[string]link.Link{}, ByMap: map[string]*link.StructOps{}, Skipped: map[string]error{}}
	skip := map[string]bool{}
	if o != nil {
		for _, n := range o.Skip {
			_, isProgram := c.report.Programs[n]
			if _, isMap := c.report.Maps[n]; !isProgram && !isMap {
				return nil, &StepError{Object: c.plan.object, Step: "attach", Name: n, Err: notFound("program", n, keys(c.report.Programs))}
			}
			skip[n] = true
		}
	}
	for _, pp := range c.plan.programs {
		p := c.Programs[pp.name]
		if p == nil || skip[pp.name] || p.Type() == prog.StructOps {
			continue
		}
		l, err := pp.attach(p)
		switch {
		case err == nil:
			links.ByProgram[pp.name] = l
			links.order = append(links.order, l)
		case errors.Is(err, link.ErrNoTarget) || pp.policy == Optional:
			links.Skipped[pp.name] = err
		default:
			_ = links.Close()
			return nil, &StepError{Object: c.plan.object, Step: "attach", Name: pp.name, Err: mkerr.Errorf("program %s: %w", pp.name, err)}
		}
	}
	if err := c.attachMaps(links, skip); err != nil {
		_ = links.Close()
		return nil, err
	}
	return links, nil
}

// attachMaps registers the struct_ops maps.
func (c *Collection) attachMaps(links *Links, skip map[string]bool) error {
	for _, pm := range c.plan.maps {
		if pm.ops == nil || pm.off || skip[pm.name] {
			continue
		}
		l, err := c.AttachStructOps(pm.name)
		switch {
		case err == nil:
			links.ByMap[pm.name] = l
			links.order = append(links.order, l)
		case pm.optional:
			links.Skipped[pm.name] = err
		default:
			return err
		}
	}
	return nil
}
