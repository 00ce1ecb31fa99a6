//go:build !linux

package main

import "os"

func main() {
	os.Stderr.WriteString("guest: only Linux has a PID 1 to be; read " + planPath + "\n")
	os.Exit(2)
}
