package podlog_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"lockstep/internal/podlog"
)

func frames(n int) string {
	return strings.Repeat("\tat org.wso2.config.mapper.ConfigParser.parse(ConfigParser.java:115)\n", n)
}

func TestAnExcerptLeadsWithWhatWentWrong(t *testing.T) {
	for name, test := range map[string]struct {
		log  string
		want []string
	}{
		"nothing special": {"one\ntwo\r\n\nthree\nfour\nfive\nsix\n", []string{"two", "three", "four", "five", "six"}},
		"a mapper that fails, the exception far above the end": {
			"JAVA_HOME is set\nException in thread \"main\" org.wso2.config.mapper.ConfigParserException: Error parsing deployment configuration\n" + frames(16) +
				"Caused by: java.lang.IllegalArgumentException: Illegal group reference\n" + frames(3) + "\t... 12 more\n",
			[]string{"JAVA_HOME is set", `Exception in thread "main" org.wso2.config.mapper.ConfigParserException: Error parsing deployment configuration`,
				"Caused by: java.lang.IllegalArgumentException: Illegal group reference"},
		},
		"a stack trace on one line": {
			"INFO - starts\n[2026-01-01] ERROR {CarbonCoreDataSource} - no pool | java.sql.SQLException: no pool | \tat a.b.C.d(C.java:1) | ... 3 more | Caused by: java.net.ConnectException: refused\nINFO - goes on\n",
			[]string{"INFO - starts", "[2026-01-01] ERROR {CarbonCoreDataSource} - no pool", "java.sql.SQLException: no pool",
				"Caused by: java.net.ConnectException: refused", "INFO - goes on"},
		},
		"what went wrong first, and what came of it last": {
			"x ERROR {A} - first\nx ERROR {B} - second\n" + strings.Repeat("x INFO {C} - waits\n", 100) + "x INFO {C} - the end\n",
			[]string{"x ERROR {A} - first", "…", "x INFO {C} - waits", "x INFO {C} - waits", "x INFO {C} - waits", "x INFO {C} - the end"},
		},
		"a pipe of its own": {"a | b\nc | at the end\n", []string{"a | b", "c | at the end"}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, podlog.Excerpt(test.log, 5)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestOfManyCausesTheLastAreKeptAndEachOnce(t *testing.T) {
	var log strings.Builder
	log.WriteString("FATAL {X} - dead\n")
	for range 2 {
		for i := range 9 {
			fmt.Fprintf(&log, "Caused by: a.B: %d\n", i)
		}
	}
	want := []string{"FATAL {X} - dead", "…", "Caused by: a.B: 5", "Caused by: a.B: 6", "Caused by: a.B: 7", "Caused by: a.B: 8"}
	if diff := cmp.Diff(want, podlog.Excerpt(log.String(), 5)); diff != "" {
		t.Error(diff)
	}
}

func TestASignIsFoundWithItsLine(t *testing.T) {
	signs := []podlog.Sign{{Text: "initialization Failed", Means: "it is dead"}}
	if sign, line, ok := podlog.Find("fine\n  FATAL - Carbon initialization Failed \nmore", signs); !ok || sign.Means != "it is dead" || line != "FATAL - Carbon initialization Failed" {
		t.Error(sign, line, ok)
	}
	if _, _, ok := podlog.Find("fine\n", signs); ok {
		t.Error("found in a log without it")
	}
}
