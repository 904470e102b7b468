// Package podlog finds in the log of a program what an operator has to read, and what says that the program will never be ready. It reads
// text: who asks for a log, and who takes secrets out of it, is elsewhere.
package podlog

import (
	"regexp"
	"slices"
	"strings"
)

const (
	// Read is how many lines at the end of a log are looked through.
	Read = 200
	// maxCauses is how many causes an excerpt has. The last of a chain says most, so those are kept.
	maxCauses = 4
)

var (
	// level is that of a line that says what went wrong, as log4j, java.util.logging and most others write it.
	level = regexp.MustCompile(`(^|[\s\[|=])(ERROR|FATAL|SEVERE)([\s\]:|{]|$)`)
	// frame is a line of a Java stack trace that says where, not what.
	frame = regexp.MustCompile(`^\s*(at [\w.$/<>@-]+\(.*\)?|\.\.\. \d+ (more|common frames omitted))`)
	cause = regexp.MustCompile(`^\s*Caused by: `)
	// thrown is the first line of a stack trace: the class of an exception, and what it says.
	thrown = regexp.MustCompile(`^\s*(Exception in thread "[^"]*" )?([a-z_][\w$]*\.)+[A-Z][\w$]*(Exception|Error|Throwable)(:|\s*$)`)
)

// Excerpt gives at most the given number of lines of a log: its last ones without the frames of stack traces, and before them the first line
// that says what went wrong, the exception below it and the last causes, however far above they are. Lines that are left out between
// them are shown as "…".
func Excerpt(text string, atMost int) []string {
	lines := linesOf(text)
	keep := telling(lines)
	if len(keep) > atMost {
		keep = append(keep[:1:1], keep[len(keep)-atMost+1:]...)
	}
	for i := len(lines) - 1; i >= 0 && len(keep) < atMost; i-- {
		if !slices.Contains(keep, i) {
			keep = append(keep, i)
		}
	}
	slices.Sort(keep)
	var excerpt []string
	for n, i := range keep {
		if n > 0 && i > keep[n-1]+1 {
			excerpt = append(excerpt, "…")
		}
		excerpt = append(excerpt, lines[i])
	}
	return excerpt
}

// linesOf gives the lines of a log without frames and without empty ones. A stack trace that was written as one line, its parts separated by |, is
// as many lines.
func linesOf(text string) []string {
	var lines []string
	for line := range strings.Lines(text) {
		for _, part := range parts(strings.TrimRight(line, "\r\n")) {
			if strings.TrimSpace(part) != "" && !frame.MatchString(part) {
				lines = append(lines, part)
			}
		}
	}
	return lines
}

// parts splits a line at | where that separates the frames of a stack trace. Any other line may hold the character for reasons of its own.
func parts(line string) []string {
	split := strings.Split(line, "|")
	if !slices.ContainsFunc(split, frame.MatchString) {
		return []string{line}
	}
	for i, part := range split {
		split[i] = strings.TrimSpace(part)
	}
	return split
}

// telling are the lines that say what went wrong, in order: the first of such a level, the exception that follows it, and the last causes.
func telling(lines []string) []int {
	first := slices.IndexFunc(lines, level.MatchString)
	if first < 0 {
		first = slices.IndexFunc(lines, thrown.MatchString)
	}
	if first < 0 {
		return nil
	}
	keep := []int{first}
	if first+1 < len(lines) && thrown.MatchString(lines[first+1]) {
		keep = append(keep, first+1)
	}
	var causes []int
	said := map[string]bool{}
	for i := first + 1; i < len(lines); i++ {
		if cause.MatchString(lines[i]) && !said[lines[i]] {
			causes, said[lines[i]] = append(causes, i), true
		}
	}
	return append(keep, causes[max(0, len(causes)-maxCauses):]...)
}

// Sign is a line of a log after which the program is never ready, although it may live on.
type Sign struct {
	// Text is in the line.
	Text string
	// Means says what it means, as "the server has no HTTPS".
	Means string
	// Next is what the operator does about it.
	Next string
}

// Find gives the first of the signs that a log shows, and the line.
func Find(text string, signs []Sign) (found Sign, line string, ok bool) {
	for line := range strings.Lines(text) {
		for _, sign := range signs {
			if strings.Contains(line, sign.Text) {
				return sign, strings.TrimSpace(line), true
			}
		}
	}
	return Sign{}, "", false
}
