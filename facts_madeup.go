package skep

import (
	"github.com/skepbpf/skep/internal/feature"
	"github.com/skepbpf/skep/internal/version"
)

// FeaturesOf gives the features of a mainline kernel by its release, such as
// "6.1" or "5.10.0-28-amd64", for Facts of a kernel that is not running here.
// Distributions have more than their release says.
func FeaturesOf(release string) (*Features, error) {
	v, err := version.Parse(release)
	if err != nil {
		return nil, err
	}
	f := new(Features)
	for id := range Feature(feature.Count) {
		answer := feature.No
		if since, err := version.Parse(id.Since()); err == nil && v.AtLeast(since) {
			answer = feature.Yes
		}
		f.Learn(id, answer)
	}
	return f, nil
}

// OlderRelease reports whether a kernel of release a is older than b, such as
// a Requirement's Since. It is false where one of them is no release.
func OlderRelease(a, b string) bool {
	x, err := version.Parse(a)
	if err != nil {
		return false
	}
	y, err := version.Parse(b)
	return err == nil && !x.AtLeast(y)
}
