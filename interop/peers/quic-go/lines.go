package main

import (
	"encoding/json"
	"fmt"
	"net"
	"syscall"
)

// ready tells the harness that the program can be talked to, and where.
func ready(addr net.Addr) {
	fmt.Printf("{\"ready\":{\"address\":%q}}\n", addr.String())
}

// result tells the harness what came out.
func result(value any) error {
	text, err := json.Marshal(map[string]any{"result": value})
	if err == nil {
		fmt.Println(string(text))
	}
	return err
}

// cpuSeconds is what this process has used since it started, user and system.
func cpuSeconds() float64 {
	var usage syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	seconds := func(t syscall.Timeval) float64 { return float64(t.Sec) + float64(t.Usec)/1e6 }
	return seconds(usage.Utime) + seconds(usage.Stime)
}
