package cron

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestExpressionsAreReadAsTemporalReadsThem(t *testing.T) {
	all := func(first, last int) (values []int) {
		for value := first; value <= last; value++ {
			values = append(values, value)
		}
		return values
	}
	daily := Expression{[]int{0}, []int{2}, all(1, 31), all(1, 12), all(0, 6)}
	with := func(change func(*Expression)) Expression {
		c := daily
		change(&c)
		return c
	}
	for text, want := range map[string]Expression{
		"0 2 * * *":         daily,
		" 0  2 * * * ":      daily,
		"*/15 2 * * *":      with(func(c *Expression) { c.Minute = []int{0, 15, 30, 45} }),
		"50/5 2 * * *":      with(func(c *Expression) { c.Minute = []int{50, 55} }),
		"0 22-23,2,1 * * *": with(func(c *Expression) { c.Hour = []int{1, 2, 22, 23} }),
		"0 2 * jan,JUNE *":  with(func(c *Expression) { c.Month = []int{1, 6} }),
		"0 2 * * 7":         with(func(c *Expression) { c.DayOfWeek = []int{0} }),
		"0 2 * * 5-7":       with(func(c *Expression) { c.DayOfWeek = []int{0, 5, 6} }),
		"0 2 * * 1-7/2":     with(func(c *Expression) { c.DayOfWeek = []int{0, 1, 3, 5} }),
		"0 2 * * mo-Friday": with(func(c *Expression) { c.DayOfWeek = all(1, 5) }),
		"@weekly":           with(func(c *Expression) { c.Hour, c.DayOfWeek = []int{0}, []int{0} }),
		"@hourly":           with(func(c *Expression) { c.Hour = all(0, 23) }),
		"@yearly":           with(func(c *Expression) { c.Hour, c.DayOfMonth, c.Month = []int{0}, []int{1}, []int{1} }),
	} {
		got, err := Parse(text)
		if err != nil {
			t.Errorf("%q: %v", text, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q (-want +got):\n%s", text, diff)
		}
	}
}
