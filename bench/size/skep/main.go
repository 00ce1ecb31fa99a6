// Command skep is the smallest program that opens, loads and attaches.
package main

import (
	"fmt"
	"os"

	"github.com/skepbpf/skep"
)

func run(path string) error {
	spec, err := skep.Open(path)
	if err != nil {
		return err
	}
	coll, err := skep.Load(spec, nil)
	if err != nil {
		return err
	}
	defer coll.Close()
	links, err := coll.Attach(nil)
	if err != nil {
		return err
	}
	return links.Close()
}

func main() {
	if len(os.Args) != 2 {
		fmt.Println("usage: skep OBJ")
		os.Exit(2)
	}
	if err := run(os.Args[1]); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}
