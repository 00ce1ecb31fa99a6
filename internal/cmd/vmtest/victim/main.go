// Command victim is what tests attach uprobes to. It calls Work as often as its
// argument says.
package main

import (
	"os"
	"strconv"
)

// Work is the function to attach to.
//
//go:noinline
func Work(n int) int { return n + 1 }

func main() {
	n := 1
	if len(os.Args) > 1 {
		var err error
		if n, err = strconv.Atoi(os.Args[1]); err != nil {
			println(err.Error())
			os.Exit(2)
		}
	}
	sum := 0
	for i := range n {
		sum += Work(i)
	}
	println(sum)
}
