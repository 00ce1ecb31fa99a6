//go:build race

package maps

// raceEnabled: the race detector allocates where the library does not.
const raceEnabled = true
