package environments_test

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"lockstep/config"
	"lockstep/config/configtest"
	"lockstep/config/environments"
	"lockstep/config/validation"
)

// worst is a kind of file that takes much for its size, grown to a size.
type worst struct {
	holds string
	file  func(size int) string
	says  string // why it is refused at 128 KiB; empty: it is not, or for what it says
}

func repeated(size int, piece func(i int) string) string {
	var text strings.Builder
	for i := 0; text.Len() < size; i++ {
		text.WriteString(piece(i))
	}
	return text.String()
}

func inTOML(size int, piece func(i int) string) string {
	text := strings.TrimRight(repeated(size, piece), "\n")
	return "identityServer:\n  values:\n    deploymentToml:\n     extraConfigs: |\n      " + strings.ReplaceAll(text, "\n", "\n      ") + "\n"
}

func files() []worst {
	values := func(before, after string, piece func(i int) string) func(int) string {
		return func(size int) string {
			return "identityServer: {values: {" + before + repeated(size, piece) + after + "}}\n"
		}
	}
	numbered := func(format string) func(int) string { return func(i int) string { return fmt.Sprintf(format, i) } }
	toml := func(format string) func(int) string {
		return func(size int) string { return inTOML(size, numbered(format)) }
	}
	return []worst{
		{"many values", values("", "", numbered("k%d: 1,\n")), ""},
		{"a long list", values("a: [", "]", numbered("%d,\n")), ""},
		{"many secrets", values("", "", numbered("p%dpassword: x,\n")), ""},
		{"many variables, and pods that have as many", values("wso2: {deployment: {envs: {", "}}}", numbered("V%d: '$env{V%[1]d}',\n")), ""},
		{"a long key above many values", values(strings.Repeat("k", 900)+": {", "}", numbered("k%d: 1,\n")), "paths"},
		{"long keys above each other", values("{"+strings.Repeat("k", 900)+": {"+strings.Repeat("k", 900)+": {", "}}}", numbered("k%d: 1,\n")), "YAML"},
		{"a long text of many aliases", func(size int) string {
			return "apiManager: {values: {a: &a " + strings.Repeat("x", size/2) + ", b: [" + strings.Repeat("*a ,\n", size/10) + "]}}\n"
		}, "an alias counts"},
		{"many platforms", func(size int) string { return "  platforms: [" + repeated(size, numbered("linux/a%d,\n")) + "]\n" }, "more than 1000"},
		{"many approvals", func(size int) string { return "approvals: [" + repeated(size, numbered("a%d,\n")) + "]\n" }, "more than 1000"},
		{"many unknown fields", func(size int) string { return repeated(size, numbered("k%d: 1\n")) }, "more problems are not shown"},
		{"many tables", toml("[t%d]\nk = 1\n"), "more than 10000 values"},
		{"many arrays of tables", toml("[[t%d]]\n"), "more than 10000 values"},
		{"one array of many tables", toml("[[t]]\na = %d\n"), "more than 10000 values"},
		{"many keys", toml("k%d = 1\n"), "more than 10000 values"},
		{"a key of many parts", func(size int) string {
			return inTOML(1, func(int) string { return strings.Repeat("a.", size/2) + "a = 1" })
		}, "nested more than 64 levels deep"},
		{"tables within tables", func(size int) string {
			return inTOML(1, func(int) string { return "a = " + strings.Repeat("{a=", size/20) + "1" + strings.Repeat("}", size/20) })
		}, "nested more than 64 levels deep"},
	}
}

// allocated is how many bytes it takes to read a file and to say what is wrong with it.
func allocated(text string) (bytes uint64, err error) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	env, err := environments.Parse([]byte(text), nil)
	if err == nil {
		validation.Warnings(env)
	}
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc, err
}

func TestTheWorstFilesTakeNoMoreThanTheirSizeIsWorth(t *testing.T) {
	const size = 128 << 10
	for _, f := range files() {
		t.Run(f.holds, func(t *testing.T) {
			half, _ := allocated(configtest.Minimal + f.file(size/2))
			whole, err := allocated(configtest.Minimal + f.file(size))
			if whole > 512<<20 || // three times what it is without the race detector
				whole > 3*half+1<<20 {
				t.Errorf("%d KiB take %d KiB of memory, and half of them %d KiB", size>>10, whole>>10, half>>10)
			}
			if f.says != "" && (err == nil || !strings.Contains(err.Error(), f.says)) {
				t.Errorf("want %q in: %v", f.says, err)
			}
			var found config.Problems
			if err != nil && (len(err.Error()) > 64<<10 || !errors.As(err, &found) || len(found) > 51) {
				t.Errorf("%d bytes of %d problems", len(err.Error()), len(found))
			}
		})
	}
}
