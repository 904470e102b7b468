package config

import (
	"strings"
	"testing"
)

func schedule(fields string) string { return "schedules: [{" + fields + "}]\n" }

func TestSchedulesSayWhatAndWhen(t *testing.T) {
	const at = "schedules[0]."
	check(t, []refusal{
		{holds: "a teardown is not scheduled", more: schedule(`operation: teardown, cron: "@daily"`), path: at + "operation", value: "teardown", says: "tear down by hand"},
		{holds: "an operation has its own spelling", more: schedule(`operation: Rebuild, cron: "@daily", name: a`), path: at + "operation", value: "Rebuild", says: "did you mean rebuild?"},
		{holds: "an operation there must be", more: schedule(`cron: "@daily", name: a`), path: at + "operation", says: "write one of deploy, verify, drift, rebuild, rotate"},
		{holds: "a name is a label", more: schedule(`operation: verify, cron: "@daily", name: Every Night`), path: at + "name", value: "Every Night", says: "write every-night"},
		{holds: "two schedules have two names", more: `schedules: [{operation: verify, cron: "@daily"}, {operation: verify, every: 6h}]` + "\n",
			path: "schedules[1].name", value: "verify", says: "is the name of schedules[0] too; give one of the two another name"},
		{holds: "when there must be", more: schedule("operation: verify"), path: at + "cron", says: `or write an interval, as every: "6h"`},
		{holds: "one when, not two", more: schedule(`operation: verify, cron: "@daily", every: 6h`), path: at + "every", value: "6h", says: `stands beside cron "@daily"; keep one of the two`},
		{holds: "six fields are not cron", more: schedule(`operation: verify, cron: "0 0 2 * * *"`), path: at + "cron", value: "0 0 2 * * *", says: `has 6 fields, but a cron expression has 5; write minute, hour`},
		{holds: "an hour is an hour", more: schedule(`operation: verify, cron: "0 25 * * *"`), path: at + "cron", value: "0 25 * * *", says: `has a wrong hour: "25" is not from 0 to 23`},
		{holds: "a step is a step", more: schedule(`operation: verify, cron: "*/0 2 * * *"`), path: at + "cron", value: "*/0 2 * * *", says: `has a wrong minute: "*/0" has a wrong step`},
		{holds: "a range goes up", more: schedule(`operation: verify, cron: "0 2 * * fri-mon"`), path: at + "cron", value: "0 2 * * fri-mon", says: "ends before it begins"},
		{holds: "what only other crons know is refused", more: schedule(`operation: verify, cron: "0 2 L * ?"`), path: at + "cron", value: "0 2 L * ?", says: `has a wrong day of month: "L" is not from 1 to 31`},
		{holds: "a comment is none", more: schedule(`operation: verify, cron: "0 2 * * 5#3"`), path: at + "cron", value: "0 2 * * 5#3", says: `has a wrong day of week: "5#3" is not`},
		{holds: "a time there must be", more: schedule(`operation: verify, cron: "0 2 30 2 *"`), path: at + "cron", value: "0 2 30 2 *", says: "never occurs"},
		{holds: "a zone has its own field", more: schedule(`operation: verify, cron: "TZ=UTC 0 2 * * *"`), path: at + "cron", value: "TZ=UTC 0 2 * * *", says: "write it as timeZone"},
		{holds: "an interval has its own field", more: schedule(`operation: verify, cron: "@every 6h"`), path: at + "cron", value: "@every 6h", says: "write it as every"},
		{holds: "a zone is known", more: schedule(`operation: verify, cron: "@daily", timeZone: Europe/Berlim`), path: at + "timeZone", value: "Europe/Berlim", says: "is no time zone; write one of the IANA database"},
		{holds: "the machine's own zone is none", more: schedule(`operation: verify, cron: "@daily", timeZone: Local`), path: at + "timeZone", value: "Local", says: "is no time zone"},
		{holds: "a zone beside an interval changes nothing", more: schedule(`operation: verify, every: 6h, timeZone: Europe/Berlin`), path: at + "timeZone", value: "Europe/Berlin", says: "changes nothing beside every"},
		{holds: "an interval is a minute at least", more: schedule(`operation: verify, every: 10s`), path: at + "every", value: "10s", says: "a minute at least"},
		{holds: "an interval goes forward", more: schedule(`operation: verify, every: -1h`), path: at + "every", value: "-1h", says: "a minute at least"},
		{holds: "jitter is not negative", more: schedule(`operation: verify, cron: "@daily", jitter: -1m`), path: at + "jitter", value: "-1m", says: "is negative"},
		{holds: "jitter does not reach the next run", more: schedule(`operation: verify, every: 1h, jitter: 2h`), path: at + "jitter", value: "2h", says: "write less than 1h"},
		{holds: "an option is the operation's", more: schedule(`operation: verify, cron: "@daily", options: {mode: full}`), path: at + "options.mode", value: "full", says: "is no option of verify; write one of level"},
		{holds: "an operation may have none", more: schedule(`operation: deploy, cron: "@daily", options: {level: full}`), path: at + "options.level", value: "full", says: "deploy has none; remove it"},
		{holds: "an option has its type", more: schedule(`operation: rebuild, cron: "@daily", options: {purge: "true"}`), path: at + "options.purge", value: "true", says: "write one of true, false"},
		{holds: "options go together", more: schedule(`operation: rebuild, cron: "@daily", options: {mode: in-place, purge: true}`), path: at + "options.purge", value: "true", says: "removes nothing"},
		{holds: "an option has choices", more: schedule(`operation: verify, cron: "@daily", options: {level: none}`), path: at + "options.level", value: "none", says: "write one of health, token, full"},
	})
	env := parse(t, minimal+schedule(`operation: verify, cron: "0 2 * * MON-FRI", timeZone: Europe/Berlin, jitter: 10m, options: {level: token}`))
	if s := env.Schedules[0]; s.Name != "verify" {
		t.Errorf("a schedule is called %q, not as its operation", s.Name)
	}
}

func TestBothDaysOfACronAreWarnedOf(t *testing.T) {
	env := parse(t, minimal+schedule(`operation: verify, cron: "0 2 1 * MON"`))
	for _, warning := range env.Warnings() {
		if warning.Path == "schedules[0].cron" && strings.Contains(warning.String(), "other crons take either") {
			return
		}
	}
	t.Errorf("got %v", env.Warnings())
}
