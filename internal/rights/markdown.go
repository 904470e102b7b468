package rights

import (
	"fmt"
	"strings"

	"lockstep/config"
)

// Markdown is the table as docs/permissions.md has it, but for what the gateway's controller is given: the page says what that is.
func Markdown() string {
	var all config.Controller
	all.Default()
	all.CRDs = config.CRDsCreateReplace
	none, always := all, map[string]bool{}
	none.Install = new(bool)
	for _, right := range Table(none) {
		always[right.line()] = true
	}
	var text strings.Builder
	table := append(Table(all), Authorities()...)
	always[Authorities()[0].line()] = true
	for _, where := range []Where{Products, Controller, Everywhere, Shared, Authority} {
		fmt.Fprintf(&text, "| %s | may | for |\n|---|---|---|\n", where)
		for _, right := range table {
			if right.Where == where && right.For != handed {
				text.WriteString(strings.Replace(right.line(), " |\n", note(right, always[right.line()])+" |\n", 1))
			}
		}
		text.WriteString("\n")
	}
	return text.String()
}

// note says of a right when it is needed, if not always.
func note(r Right, always bool) string {
	switch {
	case r.Optional:
		return " (optional)"
	case !always:
		return " ¹"
	}
	return ""
}

func (r Right) line() string {
	group := r.Group
	if group != core {
		group = " of `" + group + "`"
	}
	names := ""
	if len(r.Names) > 0 && len(r.Names) < 6 {
		names = ", only `" + strings.Join(r.Names, "`, `") + "`"
	} else if len(r.Names) > 0 {
		names = ", only those of the gateway chart"
	}
	return fmt.Sprintf("| %s%s%s | %s | %s |\n", strings.Join(r.Resources, ", "), group, names, strings.Join(r.Verbs, ", "), r.For)
}
