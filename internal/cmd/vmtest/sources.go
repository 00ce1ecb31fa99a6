package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// aptSource is a line of the machine's own apt configuration.
type aptSource struct {
	uri, signedBy string
	suites        []string
}

// suites are those that have kernels of the matrix. Of the archive, first, and
// of its security updates.
var suites = struct{ archive, security []string }{
	archive:  []string{"bookworm", "trixie-backports"},
	security: []string{"bullseye-security", "bookworm-security", "trixie-security"},
}

// ownSources reads where this machine gets Debian from.
func ownSources(etc string) ([]aptSource, error) {
	var out []aptSource
	files, err := filepath.Glob(filepath.Join(etc, "sources.list.d", "*"))
	if err != nil {
		return nil, err
	}
	for _, file := range append([]string{filepath.Join(etc, "sources.list")}, files...) {
		text, err := os.ReadFile(file)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		switch filepath.Ext(file) {
		case ".list":
			out = append(out, parseList(string(text))...)
		case ".sources":
			out = append(out, parseDeb822(string(text))...)
		}
	}
	return out, nil
}

// parseList reads the one-line format: deb [option=value …] uri suite component…
func parseList(text string) []aptSource {
	var out []aptSource
	for line := range strings.Lines(text) {
		rest, ok := strings.CutPrefix(strings.TrimSpace(line), "deb ")
		if !ok {
			continue
		}
		var s aptSource
		rest = strings.TrimSpace(rest)
		if strings.HasPrefix(rest, "[") {
			options, after, _ := strings.Cut(rest[1:], "]")
			for o := range strings.FieldsSeq(options) {
				if v, ok := strings.CutPrefix(o, "signed-by="); ok {
					s.signedBy = v
				}
			}
			rest = after
		}
		f := strings.Fields(rest)
		if len(f) < 3 {
			continue
		}
		s.uri, s.suites = f[0], f[1:2]
		out = append(out, s)
	}
	return out
}

// parseDeb822 reads stanzas of "Field: value" lines.
func parseDeb822(text string) []aptSource {
	var out []aptSource
	for stanza := range strings.SplitSeq(text, "\n\n") {
		fields := map[string]string{}
		for line := range strings.Lines(stanza) {
			if key, value, ok := strings.Cut(line, ":"); ok && line[0] != '#' && line[0] != ' ' {
				fields[strings.ToLower(key)] = strings.TrimSpace(value)
			}
		}
		if fields["enabled"] == "no" || !strings.Contains(" "+fields["types"]+" ", " deb ") {
			continue
		}
		for uri := range strings.FieldsSeq(fields["uris"]) {
			out = append(out, aptSource{uri, fields["signed-by"], strings.Fields(fields["suites"])})
		}
	}
	return out
}

// sourceLines writes sources for the suites of the matrix, from those that the
// machine has for its own release.
func sourceLines(own []aptSource, codename string) (string, error) {
	var out strings.Builder
	for _, part := range []struct {
		model  string
		wanted []string
	}{{codename, suites.archive}, {codename + "-security", suites.security}} {
		i := slices.IndexFunc(own, func(s aptSource) bool { return slices.Contains(s.suites, part.model) })
		if i < 0 {
			return "", fmt.Errorf("apt knows no suite %s, whose address vmtest would take others from", part.model)
		}
		options := ""
		if by := own[i].signedBy; strings.HasPrefix(by, "/") {
			options = "[signed-by=" + by + "] "
		}
		for _, suite := range part.wanted {
			fmt.Fprintf(&out, "deb %s%s %s main\n", options, own[i].uri, suite)
		}
	}
	return out.String(), nil
}

// codename reads the name of this machine's Debian release.
func codename(osRelease string) (string, error) {
	text, err := os.ReadFile(osRelease)
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(string(text)) {
		if v, ok := strings.CutPrefix(line, "VERSION_CODENAME="); ok {
			return strings.Trim(v, "\"\n"), nil
		}
	}
	return "", fmt.Errorf("%s has no VERSION_CODENAME: kernels come from Debian, through its apt", osRelease)
}
