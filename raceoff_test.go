//go:build !race

package skep_test

const raceEnabled = false
