package bin

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

func TestSort(t *testing.T) {
	type pair struct{ key, at int }
	for n := range 70 {
		for _, keys := range []int{1, 3, 1000} {
			rnd := rand.New(rand.NewPCG(uint64(n), uint64(keys)))
			list := make([]pair, n)
			for i := range list {
				list[i] = pair{rnd.IntN(keys), i}
			}
			want := slices.Clone(list)
			slices.SortStableFunc(want, func(a, b pair) int { return a.key - b.key })
			Sort(list, func(a, b *pair) bool { return a.key < b.key })
			if !slices.Equal(list, want) {
				t.Errorf("%d elements of %d keys: %v, want %v", n, keys, list, want)
			}
		}
	}
}

func TestSortComparesLittle(t *testing.T) {
	const n = 1 << 12
	for name, key := range map[string]func(i int) int{
		"ascending":  func(i int) int { return i },
		"descending": func(i int) int { return -i },
		"saw":        func(i int) int { return i % 7 },
		"organ pipe": func(i int) int { return min(i, n-i) },
	} {
		list := make([]int, n)
		for i := range list {
			list[i] = key(i)
		}
		compared := 0
		Sort(list, func(a, b *int) bool { compared++; return *a < *b })
		limit := n * 13
		if name == "ascending" {
			limit = n
		}
		if !slices.IsSorted(list) || compared > limit {
			t.Errorf("%s: %d comparisons, want at most %d", name, compared, limit)
		}
	}
}

func TestSortStrings(t *testing.T) {
	list := strings.Fields("the quick brown fox Jumps over the lazy dog")
	SortStrings(list)
	if got, want := fmt.Sprint(list), "[Jumps brown dog fox lazy over quick the the]"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
