package link

import "strings"

// isGlob reports whether a pattern has wildcards.
func isGlob(pattern string) bool { return strings.ContainsAny(pattern, "*?") }

// glob reports whether a name matches a pattern, in which '*' stands for any
// bytes, and '?' for one. It looks at most len(name)*len(pattern) times.
func glob[T string | []byte](pattern string, name T) bool {
	p, n := 0, 0
	star, from := -1, 0 // the last '*', and where what it stands for ends so far
	for n < len(name) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, from = p, n
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == name[n]):
			p++
			n++
		case star >= 0:
			from++
			p, n = star+1, from
		default:
			return false
		}
	}
	for p < len(pattern) && pattern[p] == '*' {
		p++
	}
	return p == len(pattern)
}

// splitPattern splits "[module:]glob" of kernel functions.
func splitPattern(s string) (module, pattern string, err error) {
	module, pattern, err = ParseTracingTarget(s)
	if err != nil {
		return "", "", err
	}
	for i := 0; i < len(pattern); i++ {
		if c := pattern[i]; !isWord(c) && c != '.' && c != '*' && c != '?' {
			return "", "", badPattern(s)
		}
	}
	if module == vmlinux {
		module = ""
	}
	return module, pattern, nil
}
