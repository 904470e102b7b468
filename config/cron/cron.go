// Package cron reads cron expressions as Temporal does.
package cron

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Expression is the times of a cron expression: those at which all five match. Between day of month and day of week that is how
// Temporal reads it; other crons take either of the two. Values are sorted, Sunday is 0.
type Expression struct {
	Minute, Hour, DayOfMonth, Month, DayOfWeek []int
}

// field is what one field of a cron expression may hold.
type field struct {
	name       string
	first, end int
	names      []string // of the values from first on; may be shortened
	shortest   int      // letters of a name
}

func fields() [5]field {
	return [5]field{
		{name: "minute", first: 0, end: 59},
		{name: "hour", first: 0, end: 23},
		{name: "day of month", first: 1, end: 31},
		{name: "month", first: 1, end: 12, shortest: 3, names: []string{"january", "february", "march", "april", "may", "june",
			"july", "august", "september", "october", "november", "december"}},
		{name: "day of week", first: 0, end: 7, shortest: 2, names: []string{"sunday", "monday", "tuesday", "wednesday", "thursday",
			"friday", "saturday"}}, // 7 is Sunday too
	}
}

// Parse reads a cron expression of five fields (minute, hour, day of month, month, day of week), each of values, names, ranges,
// lists and steps, or one of @yearly, @monthly, @weekly, @daily and @hourly.
func Parse(text string) (Expression, error) {
	all := fields()
	parts := strings.Fields(shorthand(strings.TrimSpace(text)))
	if len(parts) != len(all) {
		return Expression{}, fmt.Errorf("has %d fields, but a cron expression has 5", len(parts))
	}
	var values [5][]int
	for i, field := range all {
		var err error
		if values[i], err = field.parse(parts[i]); err != nil {
			return Expression{}, fmt.Errorf("has a wrong %s: %q %w", field.name, parts[i], err)
		}
	}
	c := Expression{values[0], values[1], values[2], values[3], values[4]}
	if !c.occurs() {
		return Expression{}, errors.New("never occurs: its months have no such day")
	}
	return c, nil
}

func shorthand(text string) string {
	switch text {
	case "@yearly", "@annually":
		return "0 0 1 1 *"
	case "@monthly":
		return "0 0 1 * *"
	case "@weekly":
		return "0 0 * * 0"
	case "@daily", "@midnight":
		return "0 0 * * *"
	case "@hourly":
		return "0 * * * *"
	}
	return text
}

// parse are the values of a list.
func (f field) parse(list string) ([]int, error) {
	var values []int
	for item := range strings.SplitSeq(list, ",") {
		first, last, step, err := f.item(item)
		if err != nil {
			return nil, err
		}
		for value := first; value <= last; value += step {
			if f.name == "day of week" {
				values = append(values, value%7)
				continue
			}
			values = append(values, value)
		}
	}
	slices.Sort(values)
	return slices.Compact(values), nil
}

// item reads *, 5, 5-7, and each with a step, as */15. A single value with a step goes on to the end.
func (f field) item(text string) (first, last, step int, err error) {
	span, every, stepped := strings.Cut(text, "/")
	step = 1
	if stepped {
		if step, err = strconv.Atoi(every); err != nil || step < 1 || step > f.end {
			return 0, 0, 0, errors.New("has a wrong step after its slash")
		}
	}
	if span == "*" {
		return f.first, f.end, step, nil
	}
	from, to, isRange := strings.Cut(span, "-")
	if first, err = f.value(from); err != nil {
		return 0, 0, 0, err
	}
	switch {
	case isRange:
		last, err = f.value(to)
	case stepped:
		last = f.end
	default:
		last = first
	}
	if err == nil && last < first {
		err = errors.New("ends before it begins")
	}
	return first, last, step, err
}

func (f field) value(text string) (int, error) {
	if f.shortest > 0 && len(text) >= f.shortest {
		for i, name := range f.names {
			if strings.HasPrefix(name, strings.ToLower(text)) {
				return f.first + i, nil
			}
		}
	}
	value, err := strconv.Atoi(text)
	if err != nil || value < f.first || value > f.end {
		return 0, fmt.Errorf("is not from %d to %d", f.first, f.end)
	}
	return value, nil
}

// occurs says whether any of the months has any of the days.
func (c Expression) occurs() bool {
	days := [...]int{31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31}
	return slices.ContainsFunc(c.Month, func(month int) bool { return c.DayOfMonth[0] <= days[month-1] })
}

// BothDays says whether day of month and day of week are both restricted. Temporal then wants both to match.
func (c Expression) BothDays() bool { return len(c.DayOfMonth) < 31 && len(c.DayOfWeek) < 7 }
