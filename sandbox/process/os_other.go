//go:build unix && !linux

package process

import (
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
)

// tie gives a child its own process group. Only Linux can tie its life to this process's.
func tie(attr *syscall.SysProcAttr) { attr.Setpgid = true }

func startTime(pid int) (string, error) {
	out, err := exec.Command("ps", "-o", "lstart=", "-p", strconv.Itoa(pid)).Output()
	if err != nil {
		return "", fmt.Errorf("asking ps about process %d: %w", pid, err)
	}
	return strings.TrimSpace(string(out)), nil
}
