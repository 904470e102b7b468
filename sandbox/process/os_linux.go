package process

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"syscall"
)

// tie gives a child its own process group, and has the kernel kill it when its parent dies.
func tie(attr *syscall.SysProcAttr) { attr.Setpgid, attr.Pdeathsig = true, syscall.SIGKILL }

var errZombie = errors.New("process has exited")

// startTime reads field 22 of /proc/<pid>/stat. The fields are counted from behind the command's name, which is in
// parentheses and may hold spaces.
func startTime(pid int) (string, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return "", err
	}
	_, rest, _ := bytes.Cut(stat[bytes.LastIndexByte(stat, ')')+1:], []byte(" "))
	fields := bytes.Fields(rest)
	if len(fields) < 20 {
		return "", fmt.Errorf("unexpected /proc/%d/stat", pid)
	}
	if state := fields[0][0]; state == 'Z' || state == 'X' {
		return "", errZombie
	}
	return string(fields[19]), nil
}
