package diagnosis

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
)

// Events of one namespace, in any order.
type Events []*corev1.Event

// of keeps what happened to one object.
func (e Events) of(uid types.UID) Events {
	return slices.DeleteFunc(slices.Clone(e), func(event *corev1.Event) bool { return event.InvolvedObject.UID != uid })
}

// about keeps what happened to the objects of a kind and name, whose uid is not known.
func (e Events) about(kind, name string) Events {
	return slices.DeleteFunc(slices.Clone(e), func(event *corev1.Event) bool {
		return event.InvolvedObject.Kind != kind || event.InvolvedObject.Name != name
	})
}

// since leaves out what was last seen before t.
func (e Events) since(t time.Time) Events {
	return slices.DeleteFunc(slices.Clone(e), func(event *corev1.Event) bool { return lastSeen(event).Before(t) })
}

// last gives the newest event with one of the reasons, nil if there is none.
func (e Events) last(reasons ...string) *corev1.Event {
	var newest *corev1.Event
	for _, event := range e {
		if slices.Contains(reasons, event.Reason) && (newest == nil || !lastSeen(event).Before(lastSeen(newest))) {
			newest = event
		}
	}
	return newest
}

// lastOf gives the newest event with the reason whose message begins so, nil if there is none.
func (e Events) lastOf(reason, prefix string) *corev1.Event {
	return slices.DeleteFunc(slices.Clone(e), func(event *corev1.Event) bool { return !strings.HasPrefix(event.Message, prefix) }).last(reason)
}

// count adds up how often something happened; events that ended before since do not count.
func (e Events) count(reason, prefix string, since time.Time) int {
	total := 0
	for _, event := range e {
		if event.Reason == reason && strings.HasPrefix(event.Message, prefix) && !lastSeen(event).Before(since) {
			total += times(event)
		}
	}
	return total
}

// evidence is the newest few of what went wrong, oldest first, one line each.
func (e Events) evidence() string {
	const most = 5
	warnings := slices.DeleteFunc(slices.Clone(e), func(event *corev1.Event) bool { return event.Type != corev1.EventTypeWarning })
	slices.SortStableFunc(warnings, func(a, b *corev1.Event) int {
		return cmp.Or(lastSeen(a).Compare(lastSeen(b)), cmp.Compare(a.Name, b.Name))
	})
	if len(warnings) > most {
		warnings = warnings[len(warnings)-most:]
	}
	lines := make([]string, len(warnings))
	for i, event := range warnings {
		lines[i] = fmt.Sprintf("event %s: %s", event.Reason, firstLine(event.Message))
		if n := times(event); n > 1 {
			lines[i] += fmt.Sprintf(" (%d times)", n)
		}
	}
	return strings.Join(lines, "\n")
}

func lastSeen(event *corev1.Event) time.Time {
	switch {
	case event.Series != nil && !event.Series.LastObservedTime.IsZero():
		return event.Series.LastObservedTime.Time
	case !event.LastTimestamp.IsZero():
		return event.LastTimestamp.Time
	case !event.EventTime.IsZero():
		return event.EventTime.Time
	}
	return event.CreationTimestamp.Time
}

func firstSeen(event *corev1.Event) time.Time {
	switch {
	case !event.FirstTimestamp.IsZero():
		return event.FirstTimestamp.Time
	case !event.EventTime.IsZero():
		return event.EventTime.Time
	}
	return event.CreationTimestamp.Time
}

func times(event *corev1.Event) int {
	if event.Series != nil {
		return int(event.Series.Count)
	}
	return max(1, int(event.Count))
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	return line
}
