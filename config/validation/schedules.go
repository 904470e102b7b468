package validation

import (
	"fmt"
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // a time zone is checked where there may be no zoneinfo

	"lockstep/config"
	"lockstep/config/cron"
	"lockstep/config/operation"
	"lockstep/config/spelling"
)

func checkSchedules(e config.Environment) (found problems) {
	for i, s := range e.Schedules {
		path := fmt.Sprintf("schedules[%d]", i)
		if s.Name != s.Operation {
			found.label(path+".name", s.Name, 63)
		}
		if first := slices.IndexFunc(e.Schedules, func(other config.Schedule) bool { return other.Name == s.Name }); first < i {
			found.Add(path+".name", s.Name, fmt.Sprintf("is also the name of schedules[%d]", first), "give one of the two another name")
		}
		found.operation(path+".operation", s.Operation)
		found.times(path, s)
		found.options(path+".options", s)
	}
	return found
}

func (p *problems) operation(path, verb string) {
	all := operation.Scheduled()
	next := "write one of " + strings.Join(all, ", ")
	known, is := operation.OfVerb(verb)
	switch near := spelling.Closest(verb, all); {
	case is && known.Schedulable():
	case is:
		p.Add(path, verb, "cannot be scheduled: "+known.Unscheduled.Why, known.Unscheduled.Next)
	case verb == "":
		p.Add(path, "", "is missing", next)
	case near != "":
		p.Add(path, verb, "is not an operation that can be scheduled", "did you mean "+near+"?")
	default:
		p.Add(path, verb, "is not an operation that can be scheduled", next)
	}
}

const cronNext = `write minute, hour, day of month, month and day of week, as "0 2 * * *" for 02:00 every day, or @daily`

// times looks at when a schedule runs.
func (p *problems) times(path string, s config.Schedule) {
	switch {
	case s.Cron != "" && s.Every != 0:
		p.Add(path+".every", s.Every.String(), "does not go with cron "+fmt.Sprintf("%q", s.Cron), "remove one of the two")
	case s.Cron == "" && s.Every == 0:
		p.Add(path+".cron", "", "is missing", cronNext+`; or write an interval, as every: "6h"`)
	case s.Cron != "":
		p.cron(path+".cron", s.Cron)
	case s.Every < config.Duration(time.Minute) || s.Every%config.Duration(time.Second) != 0:
		p.Add(path+".every", s.Every.String(), "is not an interval of a schedule", "write whole seconds, at least 1m")
	case s.Every > 0 && s.TimeZone != "UTC":
		p.Add(path+".timeZone", s.TimeZone, "has no effect: every counts from midnight UTC", "remove it, or use cron in place of every")
	}
	if s.Every == 0 {
		p.zone(path+".timeZone", s.TimeZone)
	}
	switch {
	case s.Jitter < 0:
		p.Add(path+".jitter", s.Jitter.String(), "is negative", "write how much later a run may begin, as \"10m\"")
	case s.Every > 0 && s.Jitter >= s.Every:
		p.Add(path+".jitter", s.Jitter.String(), "is not less than every", "write less than "+s.Every.String())
	}
}

func (p *problems) cron(path, text string) {
	switch first, _, _ := strings.Cut(text, " "); {
	case strings.Contains(first, "TZ="):
		p.Add(path, text, "contains a time zone", "write the time zone as timeZone")
		return
	case first == "@every":
		p.Add(path, text, "is an interval, not a cron expression", `write the interval as every, as every: "6h"`)
		return
	}
	if _, err := cron.Parse(text); err != nil {
		p.Add(path, text, err.Error(), cronNext)
	}
}

func (p *problems) zone(path, name string) {
	_, err := time.LoadLocation(name)
	if err != nil || name == "Local" {
		p.Add(path, name, "is not a time zone", "write a name of the IANA database, for example Europe/Berlin, or UTC")
	}
}

func (p *problems) options(path string, s config.Schedule) {
	known, is := operation.OfVerb(s.Operation)
	if !is {
		return
	}
	for _, found := range known.Check(s.Options) {
		p.Add(config.JoinPath(path, found.Option), found.Value, found.Message, found.Next)
	}
}

func warnSchedules(e config.Environment) (found problems) {
	for i, s := range e.Schedules {
		if times, err := cron.Parse(s.Cron); err == nil && times.BothDays() {
			found.Add(fmt.Sprintf("schedules[%d].cron", i), s.Cron, "runs only on days that match both: the day of the month and the day of the week",
				"write * for one of the two, unless you want both; other crons need only one to match")
		}
	}
	return found
}
