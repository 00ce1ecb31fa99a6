package bin

// Sort orders list by less and keeps elements that are equal as they stand.
//
// It reports whether anything moved. It takes O(n log n) comparisons whatever the input, and one less than n if
// that is in order already. The work is done once for all types, on indexes:
// each type that package slices sorts adds 6 to 11 KB to every program.
func Sort[T any](list []T, less func(a, b *T) bool) (moved bool) {
	order := sortedOrder(len(list), func(i, j int32) bool { return less(&list[i], &list[j]) })
	if order == nil {
		return false
	}
	sorted := make([]T, len(list))
	for i, from := range order {
		sorted[i] = list[from]
	}
	copy(list, sorted)
	return true
}

// SortStrings orders list by bytes.
//
//go:noinline
func SortStrings(list []string) { Sort(list, func(a, b *string) bool { return *a < *b }) }

// sortedOrder gives the order that n elements should have, nil if they have
// it: a merge sort from the bottom up.
func sortedOrder(n int, less func(i, j int32) bool) []int32 {
	sorted := 1
	for sorted < n && !less(int32(sorted), int32(sorted-1)) {
		sorted++
	}
	if sorted >= n {
		return nil
	}
	order, merged := make([]int32, n), make([]int32, n)
	for i := range order {
		order[i] = int32(i)
	}
	for width := 1; width < n; width *= 2 {
		for lo := 0; lo < n; lo += 2 * width {
			mid, hi := min(lo+width, n), min(lo+2*width, n)
			merge(merged[lo:hi], order[lo:mid], order[mid:hi], less)
		}
		order, merged = merged, order
	}
	return order
}

// merge fills out with a and b, each in order; a's come first among equals.
func merge(out, a, b []int32, less func(i, j int32) bool) {
	for i := range out {
		if len(b) == 0 || len(a) > 0 && !less(b[0], a[0]) {
			out[i], a = a[0], a[1:]
		} else {
			out[i], b = b[0], b[1:]
		}
	}
}
