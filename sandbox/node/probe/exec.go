package probe

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// The two commands by which the products' charts look at a port from inside the container.
var (
	netcat  = regexp.MustCompile(`\bnc\s+(?:-\w+\s+(?:\d+\s+)?)*?-\w*z\w*\s+(?:-\w+\s+(?:\d+\s+)?)*(?:localhost|127\.0\.0\.1)\s+(\d+)`)
	devTCP  = regexp.MustCompile(`/dev/tcp/(localhost|127\.0\.0\.1)/(\d+)`)
	timeout = regexp.MustCompile(`\btimeout\s+(\d+)\b`)
)

// execCheck understands a command as the TCP connection it makes. There is no container to run any other command in.
func execCheck(command []string, loopback string) Check {
	line := strings.Join(command, " ")
	var port int
	var refused string
	if match := netcat.FindStringSubmatch(line); match != nil {
		port, _ = strconv.Atoi(match[1])
	} else if match := devTCP.FindStringSubmatch(line); match != nil {
		port, _ = strconv.Atoi(match[2])
		refused = fmt.Sprintf("bash: connect: Connection refused\nbash: line 1: %s: Connection refused\n", match[0])
	}
	if port == 0 {
		return func(context.Context) error {
			return fmt.Errorf("the sandbox node cannot run %q: its exec probes are nc -z localhost PORT and </dev/tcp/localhost/PORT", line)
		}
	}
	limit := time.Duration(0)
	if match := timeout.FindStringSubmatch(line); match != nil {
		seconds, _ := strconv.Atoi(match[1])
		limit = time.Duration(seconds) * time.Second
	}
	return func(ctx context.Context) error {
		if limit > 0 {
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeout(ctx, limit)
			defer cancel()
		}
		if connect(ctx, loopback, port) != nil {
			return errors.New(refused)
		}
		return nil
	}
}
