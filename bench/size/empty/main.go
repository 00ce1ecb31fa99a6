// Command empty is what a loader's size is measured against.
package main

import "fmt"

func main() { fmt.Println("hello") }
