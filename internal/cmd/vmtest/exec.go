package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"
)

// execMain is vmtest exec KERNEL BINARY ARG…, for go test -exec.
func execMain(args []string) int {
	status, err := runExec(args)
	if err != nil {
		fmt.Fprintln(os.Stderr, "vmtest:", err)
		return max(status, 1)
	}
	return status
}

func runExec(args []string) (int, error) {
	if len(args) < 2 {
		return 2, errors.New("usage: vmtest exec KERNEL BINARY ARG…")
	}
	list, err := findTargets(args[0])
	if err != nil {
		return 2, err
	}
	if len(list) != 1 {
		return 2, fmt.Errorf("exec takes one kernel, not %s", args[0])
	}
	if err := haveTools(list); err != nil {
		return 2, err
	}
	s, err := newSession()
	if err != nil {
		return 2, err
	}
	defer s.close()
	k, err := getKernel(s.cache, list[0])
	if err != nil {
		return 2, err
	}
	b, err := s.foreign(args[1], args[2:])
	if err != nil {
		return 2, err
	}
	j := s.job([]binary{b})
	log := newLog(j.mark, []string{b.name})
	_, err = s.guest(context.Background(), j, k, execTimeout, printOutput(log))
	if err == nil && log.done != 1 {
		err = errors.New(log.red())
	}
	if err != nil {
		return 1, fmt.Errorf("%s: %w\n%s", k.release, err, strings.Join(log.tail, "\n"))
	}
	return log.runs[0].status, nil
}

// execTimeout is a guard only: go test has a timeout of its own.
const execTimeout = 20 * time.Minute

// printOutput prints what the binary of a log says as it says it. An empty line
// waits for the next: PID 1 writes one before each of its own.
func printOutput(log *guestLog) func(string) {
	empty := false
	return func(line string) {
		output, _ := log.line(line)
		if empty && output {
			fmt.Println()
		}
		line = cleanLine(line)
		empty = output && line == ""
		if output && !empty {
			fmt.Println(line)
		}
	}
}
