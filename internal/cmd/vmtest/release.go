package main

import (
	"slices"
	"strings"
)

// release is a kernel that can be downloaded: its name as uname(1) says it,
// and the packages it is in.
type release struct {
	name     string
	packages []string
}

// kinds are the first parts of the names of packages that make a kernel. Linux
// 7 splits what one package had: linux-binary has vmlinuz, linux-modules the
// modules and linux-base the configuration. The signed package of a pair is
// preferred; which of the two the archive has changes with time.
var kinds = struct{ image, extra []string }{
	image: []string{"linux-binary-", "linux-binary-unsigned-", "linux-image-"},
	extra: []string{"linux-modules-", "linux-base-"},
}

const unsigned = "-unsigned"

// releasesOf lists the kernels of a series among the names of packages, newest first.
func releasesOf(packages []string, series, flavour string) []release {
	have := map[string]bool{}
	names := map[string]bool{}
	for _, p := range packages {
		have[p] = true
		for _, kind := range kinds.image {
			name, ok := strings.CutPrefix(p, kind)
			name = strings.TrimPrefix(strings.TrimSuffix(name, unsigned), "unsigned-")
			if ok && strings.HasSuffix(name, "-"+flavour) && inSeries(name, series) {
				names[name] = true
			}
		}
	}
	var out []release
	for name := range names {
		if p := packagesOf(name, have); p != nil {
			out = append(out, release{name, p})
		}
	}
	slices.SortFunc(out, func(a, b release) int { return compareNatural(b.name, a.name) })
	return out
}

// packagesOf returns nil for a release of which the archive has only a part:
// it keeps signed packages longer than those that they depend on.
func packagesOf(name string, have map[string]bool) []string {
	for i, kind := range kinds.image {
		split := i < 2
		for _, image := range []string{kind + name, kind + name + unsigned} {
			switch {
			case !have[image]:
			case !split:
				return []string{image}
			case have[kinds.extra[0]+name] && have[kinds.extra[1]+name]:
				return []string{image, kinds.extra[0] + name, kinds.extra[1] + name}
			default:
				return nil
			}
		}
	}
	return nil
}

// inSeries reports whether a release is one of "6.12" (6.12.1, 6.12.2…) or "6".
// Packages that only name the newest ("6.12-cloud-amd64") are none.
func inSeries(name, series string) bool {
	rest, ok := strings.CutPrefix(name, series+".")
	version, _, _ := strings.Cut(name, "-")
	return ok && rest != "" && rest[0] >= '0' && rest[0] <= '9' && strings.Count(version, ".") >= 2
}

// compareNatural compares names with numbers in them as people do: 9 before 10.
func compareNatural(a, b string) int {
	for a != "" && b != "" {
		x, y := digits(a), digits(b)
		if x == 0 || y == 0 {
			if a[0] != b[0] {
				return int(a[0]) - int(b[0])
			}
			a, b = a[1:], b[1:]
			continue
		}
		n, m := strings.TrimLeft(a[:x], "0"), strings.TrimLeft(b[:y], "0")
		if len(n) != len(m) {
			return len(n) - len(m)
		}
		if n != m {
			return strings.Compare(n, m)
		}
		a, b = a[x:], b[y:]
	}
	return len(a) - len(b)
}

// digits counts the digits that s begins with.
func digits(s string) int { return len(s) - len(strings.TrimLeft(s, "0123456789")) }
