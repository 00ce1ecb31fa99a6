// Command victim is what tests attach uprobes to. It calls Work as often as its
// argument says.
package main

import (
	"os"
	"strconv"
)

var sum int

// Work is the function to attach to.
//
//go:noinline
func Work(n int) { sum += n }

func main() {
	n := 1
	if len(os.Args) > 1 {
		var err error
		if n, err = strconv.Atoi(os.Args[1]); err != nil {
			println(err.Error())
			os.Exit(2)
		}
	}
	for i := range n {
		Work(i)
	}
}
