// Command linked opens, loads and attaches: what is in it is in every program
// that uses the library.
package main

import (
	"os"

	"github.com/skepbpf/skep"
)

func main() {
	spec, err := skep.Open(os.Args[1])
	if err != nil {
		panic(err)
	}
	coll, err := skep.Load(spec, nil)
	if err != nil {
		panic(err)
	}
	defer coll.Close()
	if _, err := coll.Attach(nil); err != nil {
		panic(err)
	}
}
