// Command guest is PID 1 of the machines that vmtest starts: it mounts what
// tests expect of a running system, loads modules, runs the programs of its
// plan one after the other and powers the machine off. What it says is for
// vmtest: a line with the run's marker before and after each program, one for
// each complaint of the kernel's, and one at the end.
package main

// The plan is a text file, made by vmtest: one record a line, fields separated
// by tabs.
//
//	mark    TEXT                  what begins each line that is meant for vmtest
//	module  PATH                  to load, in this order
//	env     NAME=VALUE            for every program
//	run     NAME DIR PROGRAM ARG… to run in DIR
//	shell                         start a shell instead of powering off
const planPath = "/vmtest.plan"
