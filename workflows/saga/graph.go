package saga

import (
	"fmt"
	"slices"
	"strings"
)

// After is the step with what it needs.
func (s Step) After(needs ...string) Step {
	s.Needs = slices.Concat(s.Needs, needs)
	return s
}

// Names are those of steps.
func Names(steps []Step) []string {
	names := make([]string, len(steps))
	for i, s := range steps {
		names[i] = s.Name
	}
	return names
}

// Split parts steps into those of the names and the others, both in their order. It fails if there is none of a name.
func Split(steps []Step, names ...string) (those, others []Step, err error) {
	for _, name := range names {
		if !slices.Contains(Names(steps), name) {
			return nil, nil, missing(name, steps)
		}
	}
	for _, s := range steps {
		if slices.Contains(names, s.Name) {
			those = append(those, s)
			continue
		}
		others = append(others, s)
	}
	return those, others, nil
}

// Prefixed gives steps, and what they need of each other, names that begin so.
func Prefixed(prefix string, steps []Step) []Step {
	all := slices.Clone(steps)
	own := Names(steps)
	for i, s := range all {
		needs := slices.Clone(s.Needs)
		for j, need := range needs {
			if slices.Contains(own, need) {
				needs[j] = prefix + need
			}
		}
		all[i].Name, all[i].Needs = prefix+s.Name, needs
	}
	return all
}

// Check says what is wrong with a table of steps: two of one name, a need that names no step, steps that need each other in a circle. Such
// steps would wait for what never ends.
func Check(steps []Step) error {
	rows := make(map[string]Step, len(steps))
	for _, s := range steps {
		if _, there := rows[s.Name]; there || s.Name == "" {
			return fmt.Errorf("there are two steps %q, or one without a name", s.Name)
		}
		rows[s.Name] = s
	}
	for _, s := range steps {
		for _, need := range s.Needs {
			if _, there := rows[need]; !there {
				return fmt.Errorf("step %s needs what is no step: %w", s.Name, missing(need, steps))
			}
		}
	}
	ended := map[string]bool{}
	for _, s := range steps {
		if circle := circleFrom(s, rows, ended, nil); len(circle) > 0 {
			return fmt.Errorf("steps need each other in a circle: %s", strings.Join(circle, ", "))
		}
	}
	return nil
}

// circleFrom is a circle of needs, if s leads into one. Steps that have ended lead into none.
func circleFrom(s Step, rows map[string]Step, ended map[string]bool, path []string) []string {
	if ended[s.Name] {
		return nil
	}
	if i := slices.Index(path, s.Name); i >= 0 {
		return append(path[i:], s.Name)
	}
	for _, need := range s.Needs {
		if circle := circleFrom(rows[need], rows, ended, append(slices.Clone(path), s.Name)); len(circle) > 0 {
			return circle
		}
	}
	ended[s.Name] = true
	return nil
}

func missing(name string, steps []Step) error {
	return fmt.Errorf("there is no step %q among %s", name, strings.Join(Names(steps), ", "))
}
