package bin

// Lower is s with its ASCII letters in lower case: strings.ToLower brings the
// cases of all scripts with it.
func Lower(s string) string {
	b := []byte(s)
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}
