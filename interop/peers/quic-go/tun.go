package main

import (
	"fmt"
	"os"
	"os/exec"

	"golang.org/x/sys/unix"
)

// openTun makes a TUN in the namespace of this process; plain, one packet a system call.
func openTun(name string) (*os.File, error) {
	fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("/dev/net/tun: %w", err)
	}
	request, err := unix.NewIfreq(name)
	if err != nil {
		return nil, err
	}
	request.SetUint16(unix.IFF_TUN | unix.IFF_NO_PI)
	if err := unix.IoctlIfreq(fd, unix.TUNSETIFF, request); err != nil {
		return nil, fmt.Errorf("TUNSETIFF %s: %w", name, err)
	}
	return os.NewFile(uintptr(fd), name), nil
}

func ip(args ...string) error {
	if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
		return fmt.Errorf("ip %v: %w: %s", args, err, out)
	}
	return nil
}

// configureTun gives the TUN its addresses and MTU; the routes follow.
func configureTun(name string, addresses []string, mtu int, routes ...string) error {
	var steps [][]string
	for _, address := range addresses {
		steps = append(steps, []string{"address", "add", address, "dev", name})
	}
	steps = append(steps, []string{"link", "set", "dev", name, "mtu", fmt.Sprint(mtu), "up"})
	for _, route := range routes {
		steps = append(steps, []string{"route", "replace", route, "dev", name})
	}
	for _, step := range steps {
		if err := ip(step...); err != nil {
			return err
		}
	}
	return nil
}
