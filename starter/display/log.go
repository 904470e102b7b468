package display

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"lockstep/starter/operations"
)

// LogEntry is an entry of an operation's log as lines: further lines of its text stand below the first.
func LogEntry(e operations.Entry) string {
	before := fmt.Sprintf("%s  %s  ", e.At.Local().Format(time.DateTime), pad(e.Step, 16))
	text := strings.Split(strings.TrimSpace(Clean(e.Text)), "\n")
	return before + strings.Join(text, "\n"+strings.Repeat(" ", len(time.DateTime)+4))
}

var (
	quotedLog = regexp.MustCompile(`log of (\S+) in Pod ([a-z0-9.-]+)/([a-z0-9.-]+[a-z0-9])`)
	workload  = regexp.MustCompile(`\b(Deployment|Job) ([a-z0-9.-]+)/([a-z0-9.-]*[a-z0-9])`)
)

// PodLogs are the commands that show whole logs of the objects that texts name. A container is better than the workload it is of.
func PodLogs(texts ...string) (commands []string) {
	add := func(format string, args ...any) {
		if command := fmt.Sprintf(format, args...); !slices.Contains(commands, command) {
			commands = append(commands, command)
		}
	}
	for _, text := range texts {
		containers := quotedLog.FindAllStringSubmatch(text, -1)
		for _, found := range containers {
			add("kubectl -n %s logs %s -c %s", found[2], found[3], found[1])
		}
		if len(containers) > 0 {
			continue
		}
		for _, found := range workload.FindAllStringSubmatch(text, -1) {
			add("kubectl -n %s logs %s/%s --all-containers", found[2], strings.ToLower(found[1]), found[3])
		}
	}
	return commands
}
