package api

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"context"

	"lockstep/config"
	"lockstep/starter/api/auth"
)

// audited records a change unless it was refused, which has been recorded.
func (s *Server) audited(ctx context.Context, change auth.Change, err error) {
	var denied *auth.Refusal
	if change.Err = err; !errors.As(err, &denied) {
		s.Guard.Record(ctx, change)
	}
}

// detail joins what a record says of a change.
func detail(parts ...string) string {
	return strings.Join(slices.DeleteFunc(parts, func(part string) bool { return part == "" }), "; ")
}

// text is the options as a record has them.
func (o StartOptions) text() string {
	var all []string
	for _, name := range slices.Sorted(maps.Keys(o)) {
		all = append(all, fmt.Sprintf("%s=%v", name, o[name]))
	}
	return strings.Join(all, " ")
}

// text is the decision as a record has it.
func (b DecisionBody) text() string {
	what, file, why := strings.TrimSpace(b.Decision+" "+b.Step), "", ""
	if b.FromFile {
		file = "from the current file"
	}
	if b.Reason != "" {
		why = fmt.Sprintf("reason %q", b.Reason)
	}
	return detail(what, file, changed(b.Overrides), why)
}

// mostPaths of what overrides change a record names.
const mostPaths = 50

// changed names what overrides change. Their values stay out: somebody may have written a password there.
func changed(overrides config.Values) string {
	paths := leaves("", overrides)
	if len(paths) == 0 {
		return ""
	}
	slices.Sort(paths)
	more := ""
	if len(paths) > mostPaths {
		more = fmt.Sprintf(" and %d more", len(paths)-mostPaths)
	}
	return "overrides " + strings.Join(paths[:min(len(paths), mostPaths)], ", ") + more
}

func leaves(path string, values map[string]any) (paths []string) {
	for name, value := range values {
		below := strings.TrimPrefix(path+"."+name, ".")
		if inner, is := value.(map[string]any); is && len(inner) > 0 {
			paths = append(paths, leaves(below, inner)...)
			continue
		}
		paths = append(paths, below)
	}
	return paths
}
