package skep

import (
	"errors"
	"fmt"

	"github.com/skepbpf/skep/link"
)

// AttachOptions of Collection.Attach. A nil *AttachOptions is the default.
type AttachOptions struct {
	// Skip lists programs that are not to be attached.
	Skip []string
}

// Links are the attachments of a collection.
type Links struct {
	// ByProgram holds the link of each attached program.
	ByProgram map[string]link.Link
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
	return errors.Join(errs...)
}

// Attach attaches every loaded program whose section says where, in the
// object's order. If one fails that is not Optional, those attached before it
// are detached again.
func (c *Collection) Attach(o *AttachOptions) (*Links, error) {
	links := &Links{ByProgram: map[string]link.Link{}, Skipped: map[string]error{}}
	skip := map[string]bool{}
	if o != nil {
		for _, n := range o.Skip {
			if _, ok := c.report.Programs[n]; !ok {
				return nil, &StepError{Object: c.plan.object, Step: "attach", Name: n, Err: notFound("program", n, keys(c.report.Programs))}
			}
			skip[n] = true
		}
	}
	for _, pp := range c.plan.programs {
		p := c.Programs[pp.name]
		if p == nil || skip[pp.name] {
			continue
		}
		l, err := link.AttachSection(p, pp.match)
		switch {
		case err == nil:
			links.ByProgram[pp.name] = l
			links.order = append(links.order, l)
		case errors.Is(err, link.ErrNoTarget) || pp.policy == Optional:
			links.Skipped[pp.name] = err
		default:
			_ = links.Close()
			return nil, &StepError{Object: c.plan.object, Step: "attach", Name: pp.name, Err: fmt.Errorf("program %s: %w", pp.name, err)}
		}
	}
	return links, nil
}
