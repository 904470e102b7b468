package validation_test

import (
	"strings"
	"testing"

	"lockstep/config/configtest"
	"lockstep/config/validation"
)

func schedule(fields string) string { return "schedules: [{" + fields + "}]\n" }

func TestSchedulesSayWhatAndWhen(t *testing.T) {
	const at = "schedules[0]."
	configtest.Check(t, []configtest.Refusal{
		{Holds: "a teardown is not scheduled", More: schedule(`operation: teardown, cron: "@daily"`), Path: at + "operation", Value: "teardown", Says: "tear down by hand"},
		{Holds: "an operation has its own spelling", More: schedule(`operation: Rebuild, cron: "@daily", name: a`), Path: at + "operation", Value: "Rebuild", Says: "did you mean rebuild?"},
		{Holds: "an operation there must be", More: schedule(`cron: "@daily", name: a`), Path: at + "operation", Says: "write one of deploy, verify, drift, rebuild, rotate"},
		{Holds: "a name is a label", More: schedule(`operation: verify, cron: "@daily", name: Every Night`), Path: at + "name", Value: "Every Night", Says: "write every-night"},
		{Holds: "two schedules have two names", More: `schedules: [{operation: verify, cron: "@daily"}, {operation: verify, every: 6h}]` + "\n",
			Path: "schedules[1].name", Value: "verify", Says: "is also the name of schedules[0]; give one of the two another name"},
		{Holds: "when there must be", More: schedule("operation: verify"), Path: at + "cron", Says: `or write an interval, as every: "6h"`},
		{Holds: "one when, not two", More: schedule(`operation: verify, cron: "@daily", every: 6h`), Path: at + "every", Value: "6h", Says: `does not go with cron "@daily"; remove one of the two`},
		{Holds: "six fields are not cron", More: schedule(`operation: verify, cron: "0 0 2 * * *"`), Path: at + "cron", Value: "0 0 2 * * *", Says: `has 6 fields, but a cron expression has 5; write minute, hour`},
		{Holds: "an hour is an hour", More: schedule(`operation: verify, cron: "0 25 * * *"`), Path: at + "cron", Value: "0 25 * * *", Says: `has a wrong hour: "25" is not from 0 to 23`},
		{Holds: "a step is a step", More: schedule(`operation: verify, cron: "*/0 2 * * *"`), Path: at + "cron", Value: "*/0 2 * * *", Says: `has a wrong minute: "*/0" has a wrong step`},
		{Holds: "a range goes up", More: schedule(`operation: verify, cron: "0 2 * * fri-mon"`), Path: at + "cron", Value: "0 2 * * fri-mon", Says: "ends before it begins"},
		{Holds: "what only other crons know is refused", More: schedule(`operation: verify, cron: "0 2 L * ?"`), Path: at + "cron", Value: "0 2 L * ?", Says: `has a wrong day of month: "L" is not from 1 to 31`},
		{Holds: "a comment is none", More: schedule(`operation: verify, cron: "0 2 * * 5#3"`), Path: at + "cron", Value: "0 2 * * 5#3", Says: `has a wrong day of week: "5#3" is not`},
		{Holds: "a time there must be", More: schedule(`operation: verify, cron: "0 2 30 2 *"`), Path: at + "cron", Value: "0 2 30 2 *", Says: "never occurs"},
		{Holds: "a zone has its own field", More: schedule(`operation: verify, cron: "TZ=UTC 0 2 * * *"`), Path: at + "cron", Value: "TZ=UTC 0 2 * * *", Says: "write the time zone as timeZone"},
		{Holds: "an interval has its own field", More: schedule(`operation: verify, cron: "@every 6h"`), Path: at + "cron", Value: "@every 6h", Says: "write the interval as every"},
		{Holds: "a zone is known", More: schedule(`operation: verify, cron: "@daily", timeZone: Europe/Berlim`), Path: at + "timeZone", Value: "Europe/Berlim", Says: "is not a time zone; write a name of the IANA database"},
		{Holds: "the machine's own zone is none", More: schedule(`operation: verify, cron: "@daily", timeZone: Local`), Path: at + "timeZone", Value: "Local", Says: "is not a time zone"},
		{Holds: "a zone beside an interval changes nothing", More: schedule(`operation: verify, every: 6h, timeZone: Europe/Berlin`), Path: at + "timeZone", Value: "Europe/Berlin", Says: "has no effect: every counts"},
		{Holds: "an interval is a minute at least", More: schedule(`operation: verify, every: 10s`), Path: at + "every", Value: "10s", Says: "at least 1m"},
		{Holds: "an interval goes forward", More: schedule(`operation: verify, every: -1h`), Path: at + "every", Value: "-1h", Says: "at least 1m"},
		{Holds: "jitter is not negative", More: schedule(`operation: verify, cron: "@daily", jitter: -1m`), Path: at + "jitter", Value: "-1m", Says: "is negative"},
		{Holds: "jitter does not reach the next run", More: schedule(`operation: verify, every: 1h, jitter: 2h`), Path: at + "jitter", Value: "2h", Says: "write less than 1h"},
		{Holds: "an option is the operation's", More: schedule(`operation: verify, cron: "@daily", options: {mode: full}`), Path: at + "options.mode", Value: "full", Says: "is not an option of verify; write one of level"},
		{Holds: "an operation may have none", More: schedule(`operation: deploy, cron: "@daily", options: {level: full}`), Path: at + "options.level", Value: "full", Says: "deploy has none; remove it"},
		{Holds: "an option has its type", More: schedule(`operation: rebuild, cron: "@daily", options: {purge: "true"}`), Path: at + "options.purge", Value: "true", Says: "write one of true, false"},
		{Holds: "options go together", More: schedule(`operation: rebuild, cron: "@daily", options: {mode: in-place, purge: true}`), Path: at + "options.purge", Value: "true", Says: "removes nothing"},
		{Holds: "an option has choices", More: schedule(`operation: verify, cron: "@daily", options: {level: none}`), Path: at + "options.level", Value: "none", Says: "write one of health, token, full"},
	})
	env := configtest.Parse(t, configtest.Minimal+schedule(`operation: verify, cron: "0 2 * * MON-FRI", timeZone: Europe/Berlin, jitter: 10m, options: {level: token}`))
	if s := env.Schedules[0]; s.Name != "verify" {
		t.Errorf("a schedule is called %q, not as its operation", s.Name)
	}
}

func TestBothDaysOfACronAreWarnedOf(t *testing.T) {
	env := configtest.Parse(t, configtest.Minimal+schedule(`operation: verify, cron: "0 2 1 * MON"`))
	for _, warning := range validation.Warnings(env) {
		if warning.Path == "schedules[0].cron" && strings.Contains(warning.String(), "other crons need only one to match") {
			return
		}
	}
	t.Errorf("got %v", validation.Warnings(env))
}
