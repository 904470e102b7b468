package release_test

import (
	"flag"
	"fmt"
	"os"
	"testing"
)

// TestMain has more tests side by side than there are cores: those with faults wait for the API server most of the time.
func TestMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("test.parallel", "8"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	os.Exit(m.Run())
}
