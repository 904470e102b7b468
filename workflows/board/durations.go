package board

import (
	"time"

	"lockstep/activities"
)

// Durations lists what each step took and the critical path: the chain of steps, each the last of its successor's needs to end,
// that leads to the end of the operation. What the makespan exceeds it by is the cost of orchestration.
func Durations(s Status, now time.Time) ([]activities.StepDuration, activities.CriticalPath) {
	rows := map[string]StepStatus{}
	var all []activities.StepDuration
	last := ""
	for _, row := range s.Steps {
		rows[row.Name] = row
		all = append(all, activities.StepDuration{Step: row.Name, Took: seconds(row.Elapsed(now))})
		if last == "" || end(row, now).After(end(rows[last], now)) {
			last = row.Name
		}
	}
	path := activities.CriticalPath{Makespan: seconds(now.Sub(s.Started))}
	var took time.Duration // rounded once, at the end: rounded parts may add up to more than the makespan
	for name := last; name != ""; name = latest(rows, rows[name].Needs, now) {
		path.Steps = append([]string{name}, path.Steps...)
		took += rows[name].Elapsed(now)
	}
	path.Took = seconds(took)
	return all, path
}

func latest(rows map[string]StepStatus, names []string, now time.Time) string {
	last := ""
	for _, name := range names {
		if last == "" || end(rows[name], now).After(end(rows[last], now)) {
			last = name
		}
	}
	return last
}

func end(row StepStatus, now time.Time) time.Time {
	switch {
	case row.Started == nil:
		return time.Time{}
	case row.Ended == nil:
		return now
	default:
		return *row.Ended
	}
}

func seconds(d time.Duration) float64 {
	return float64(d.Round(time.Millisecond)/time.Millisecond) / 1000
}
