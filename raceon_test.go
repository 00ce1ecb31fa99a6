//go:build race

package skep_test

// raceEnabled: calls take several times as long.
const raceEnabled = true
