package skep

import "sync"

// inParallel calls f for 0 to n-1, in that order and at most width at a time. The
// error is that of the least number that fails: what calls one after the other
// would have met. None behind it is started once it is known.
func inParallel(width, n int, f func(int) error) error {
	var (
		mu     sync.Mutex
		wg     sync.WaitGroup
		next   int
		failed = n
		err    error // of failed
	)
	take := func() (int, bool) {
		mu.Lock()
		defer mu.Unlock()
		if next >= failed {
			return 0, false
		}
		next++
		return next - 1, true
	}
	work := func() {
		for {
			i, ok := take()
			if !ok {
				return
			}
			if e := f(i); e != nil {
				mu.Lock()
				if i < failed {
					failed, err = i, e
				}
				mu.Unlock()
			}
		}
	}
	for range min(width, n) - 1 {
		wg.Go(work)
	}
	work()
	wg.Wait()
	return err
}
