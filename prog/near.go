package prog

import "github.com/skepbpf/skep/internal/bin"

// nearest sorts names by how alike they are to what was sought, the most alike
// first, each once. It owns names.
func nearest(sought string, names []string) []string {
	type entry struct {
		name string
		far  int
	}
	seen := make(map[string]bool, len(names))
	var list []entry
	for _, n := range names {
		if !seen[n] && n != "" {
			seen[n] = true
			list = append(list, entry{n, distance(sought, n)})
		}
	}
	bin.Sort(list, func(a, b *entry) bool { return a.far < b.far || a.far == b.far && a.name < b.name })
	names = names[:0]
	for _, e := range list {
		names = append(names, e.name)
	}
	return names
}

// distance counts the bytes to insert, drop or replace that make b of a; names
// longer than the kernel's (KSYM_NAME_LEN) are cut.
func distance(a, b string) int {
	const most = 512
	a, b = a[:min(len(a), most)], b[:min(len(b), most)]
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}
