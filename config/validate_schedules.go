package config

import (
	"fmt"
	"lockstep/config/cron"
	"lockstep/config/spelling"
	"maps"
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // a time zone is checked where there may be no zoneinfo
)

// ScheduledOperations are the operations that a schedule may carry out. A teardown is none: nobody would be there to be asked.
func ScheduledOperations() []string {
	return []string{"rebuild", "verify", "drift", "rotate", "deploy"}
}

func checkSchedules(e Environment) (found Problems) {
	for i, s := range e.Schedules {
		path := fmt.Sprintf("schedules[%d]", i)
		if s.Name != s.Operation {
			found.label(path+".name", s.Name, 63, "name the schedule, as nightly")
		}
		if first := slices.IndexFunc(e.Schedules, func(other Schedule) bool { return other.Name == s.Name }); first < i {
			found.add(path+".name", s.Name, fmt.Sprintf("is the name of schedules[%d] too", first), "give one of the two another name")
		}
		found.operation(path+".operation", s.Operation)
		found.times(path, s)
		found.options(path+".options", s)
	}
	return found
}

func (p *Problems) operation(path, operation string) {
	all := ScheduledOperations()
	next := "write one of " + strings.Join(all, ", ")
	switch near := spelling.Closest(operation, all); {
	case slices.Contains(all, operation):
	case operation == "":
		p.add(path, "", "is missing", next)
	case operation == "teardown":
		p.add(path, operation, "is not done by a schedule: it removes the environment, and nobody would be there", "schedule a rebuild, or tear down by hand")
	case near != "":
		p.add(path, operation, "is no operation that can be scheduled", "did you mean "+near+"?")
	default:
		p.add(path, operation, "is no operation that can be scheduled", next)
	}
}

const cronNext = `write minute, hour, day of month, month and day of week, as "0 2 * * *" for 02:00 every day, or @daily`

// times looks at when a schedule runs.
func (p *Problems) times(path string, s Schedule) {
	switch {
	case s.Cron != "" && s.Every != 0:
		p.add(path+".every", s.Every.String(), "stands beside cron "+fmt.Sprintf("%q", s.Cron), "keep one of the two")
	case s.Cron == "" && s.Every == 0:
		p.add(path+".cron", "", "is missing", cronNext+`; or write an interval, as every: "6h"`)
	case s.Cron != "":
		p.cron(path+".cron", s.Cron)
	case s.Every < Duration(time.Minute) || s.Every%Duration(time.Second) != 0:
		p.add(path+".every", s.Every.String(), "is no interval of a schedule", "write whole seconds, a minute at least")
	case s.Every > 0 && s.TimeZone != "UTC":
		p.add(path+".timeZone", s.TimeZone, "changes nothing beside every, which counts from midnight UTC", "remove it, or write when as cron")
	}
	if s.Every == 0 {
		p.zone(path+".timeZone", s.TimeZone)
	}
	switch {
	case s.Jitter < 0:
		p.add(path+".jitter", s.Jitter.String(), "is negative", "write how much later a run may begin at most, as \"10m\"")
	case s.Every > 0 && s.Jitter >= s.Every:
		p.add(path+".jitter", s.Jitter.String(), "is no less than every", "write less than "+s.Every.String())
	}
}

func (p *Problems) cron(path, text string) {
	switch first, _, _ := strings.Cut(text, " "); {
	case strings.Contains(first, "TZ="):
		p.add(path, text, "names a time zone", "write it as timeZone")
		return
	case first == "@every":
		p.add(path, text, "is an interval", `write it as every, as every: "6h"`)
		return
	}
	if _, err := cron.Parse(text); err != nil {
		p.add(path, text, err.Error(), cronNext)
	}
}

func (p *Problems) zone(path, name string) {
	_, err := time.LoadLocation(name)
	if err != nil || name == "Local" {
		p.add(path, name, "is no time zone", "write one of the IANA database, as Europe/Berlin, or UTC")
	}
}

// scheduleOptions are what may be said of an operation beside the environment, and the choices there are.
func scheduleOptions(operation string) map[string][]any {
	switch operation {
	case "verify":
		return map[string][]any{"level": {string(VerifyHealth), string(VerifyToken), string(VerifyFull)}}
	case "rebuild":
		return map[string][]any{"mode": {"fresh", "in-place"}, "purge": {true, false}}
	}
	return nil
}

func (p *Problems) options(path string, s Schedule) {
	known := scheduleOptions(s.Operation)
	for _, name := range slices.Sorted(maps.Keys(s.Options)) {
		choices, is := known[name]
		value := fmt.Sprint(s.Options[name])
		switch {
		case !is && len(known) == 0:
			p.add(join(path, name), value, "is no option: "+s.Operation+" has none", "remove it")
		case !is:
			p.add(join(path, name), value, "is no option of "+s.Operation, "write one of "+strings.Join(slices.Sorted(maps.Keys(known)), ", "))
		case !slices.Contains(choices, s.Options[name]):
			p.add(join(path, name), value, "is none of the choices", "write one of "+strings.Trim(strings.ReplaceAll(fmt.Sprint(choices), " ", ", "), "[]"))
		}
	}
	if s.Operation == "rebuild" && s.Options["mode"] == "in-place" && s.Options["purge"] == true {
		p.add(join(path, "purge"), "true", "does not go with mode in-place, which removes nothing", "leave one of the two out")
	}
}

func warnSchedules(e Environment) (found Problems) {
	for i, s := range e.Schedules {
		if times, err := cron.Parse(s.Cron); err == nil && times.BothDays() {
			found.add(fmt.Sprintf("schedules[%d].cron", i), s.Cron, "runs only on days that are both: that day of the month and that day of the week",
				"leave one of the two as * unless that is meant; other crons take either")
		}
	}
	return found
}
