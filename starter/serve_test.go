package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"lockstep/sandbox/process"
	"lockstep/workflows/workflowstest"
)

// asProgram makes the test program the lockstep command with those arguments.
const asProgram = "LOCKSTEP_TEST_ARGUMENTS"

func TestMain(m *testing.M) {
	if arguments := os.Getenv(asProgram); arguments != "" {
		os.Args = append(os.Args[:1], strings.Fields(arguments)...)
		main()
	}
	os.Exit(m.Run())
}

// served is a `lockstep serve` in a process of its own.
type served struct {
	*exec.Cmd
	url    string
	exited chan error
}

func serve(t *testing.T, environments string) *served {
	t.Helper()
	p := &served{Cmd: exec.Command(os.Args[0]), exited: make(chan error, 1)}
	p.Env = append(os.Environ(), asProgram+"=serve --log-format json --api-address 127.0.0.1:0 --api-anonymous true --environments "+environments)
	stderr, err := p.StderrPipe()
	if err == nil {
		err = process.StartChild(p.Cmd)
	}
	if err != nil {
		t.Fatal(err)
	}
	ready := make(chan string, 1)
	go func() {
		lines := bufio.NewScanner(stderr)
		for lines.Scan() {
			var entry struct{ Msg, Address string }
			if json.Unmarshal(lines.Bytes(), &entry) == nil && entry.Msg == "API ready" {
				ready <- entry.Address
			}
		}
		_, _ = io.Copy(io.Discard, stderr)
		close(ready)
		p.exited <- p.Wait()
	}()
	t.Cleanup(func() { _ = p.Process.Kill() })
	address, ok := <-ready
	if !ok {
		t.Fatalf("it does not start: %v", <-p.exited)
	}
	p.url = "http://" + address
	return p
}

// memory is what the process held at most, and what of that Go has for itself, in bytes. The race detector takes several times as much
// as the program, beside what Go has.
func (p *served) memory(t *testing.T) (resident, own int) {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.Process.Pid))
	if err != nil {
		t.Skip("memory is read from /proc: " + err.Error())
	}
	answer, err := http.Get(p.url + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	metrics, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text) + string(metrics)) {
		switch fields := strings.Fields(line); fields[0] {
		case "VmHWM:":
			resident, _ = strconv.Atoi(fields[1])
		case "go_memstats_sys_bytes":
			bytes, _ := strconv.ParseFloat(fields[1], 64)
			own = int(bytes)
		}
	}
	return resident << 10, own
}

func TestFiveHundredWatchersOfOneOperationFitIntoOneServer(t *testing.T) {
	const watchers, limit = 500, 200 << 20
	c, _ := workflowstest.Server(t, "Environment", "Operation", "Phase", "Outcome")
	defer startWorker(t, c, cluster(nil))()
	file := environment(t, "slow")
	if err := os.Rename(file, filepath.Join(filepath.Dir(file), "slow.yaml")); err != nil {
		t.Fatal(err)
	}
	p := serve(t, filepath.Dir(file))

	answer, err := http.Post(p.url+"/v1/environments/slow/operations", "application/json", strings.NewReader(`{"operation":"deploy"}`))
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusAccepted {
		body, _ := io.ReadAll(answer.Body)
		t.Fatalf("%s: %s", answer.Status, body)
	}
	events := p.url + answer.Header.Get("Location") + "/events"

	ctx, stop := context.WithTimeout(t.Context(), 5*time.Minute)
	defer stop()
	transport := &http.Transport{MaxIdleConns: 1}
	var all sync.WaitGroup
	boards, told := make(chan error, watchers), make(chan bool, watchers)
	for range watchers {
		all.Go(func() {
			board, reconnect, err := watchOnce(ctx, transport, events, func() { boards <- nil })
			if !board {
				boards <- errors.Join(err, errors.New("no board"))
			}
			told <- reconnect
		})
	}
	for range watchers {
		if err := <-boards; err != nil {
			t.Fatal(err)
		}
	}
	resident, own := p.memory(t)
	t.Logf("%d watchers: %d MB resident at most, %d MB of them Go's own", watchers, resident>>20, own>>20)
	if !underRace && resident > limit || own > limit {
		t.Errorf("%d watchers take %d MB (Go's own: %d MB), more than %d", watchers, resident>>20, own>>20, limit>>20)
	}

	// A server that is stopped tells them to come back, and ends.
	if err := p.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	all.Wait()
	if err := <-p.exited; err != nil {
		t.Errorf("it ended with %v", err)
	}
	for range watchers {
		if !<-told {
			t.Fatal("a watcher was not told to reconnect")
		}
	}
}

// watchOnce reads a stream to its end. begun is called at its first board.
func watchOnce(ctx context.Context, transport http.RoundTripper, url string, begun func()) (board, reconnect bool, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return false, false, err
	}
	response, err := transport.RoundTrip(request)
	if err != nil {
		return false, false, err
	}
	defer response.Body.Close()
	lines := bufio.NewScanner(response.Body)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		switch lines.Text() {
		case "event: board":
			if !board {
				begun()
			}
			board = true
		case "event: reconnect":
			reconnect = true
		}
	}
	return board, reconnect, lines.Err()
}

func TestAServerSaysWhatItNeeds(t *testing.T) {
	folder := t.TempDir()
	lockstep(t.Context(), "serve").wants(t, exitBadInput, "set environments (LOCKSTEP_ENVIRONMENTS)")
	lockstep(t.Context(), "serve", "--environments", filepath.Join(folder, "absent")).wants(t, exitBadInput, "to a folder of environment files")
	lockstep(t.Context(), "serve", "--environments", folder).wants(t, exitBadInput, "nobody may use the API: set api.accessFile")
	lockstep(t.Context(), "serve", "--environments", folder, "--api-anonymous", "true", "--api-address", ":8088").wants(t, exitBadInput, "is reachable from other machines")
	lockstep(t.Context(), "serve", "--environments", folder, "--api-access-file", filepath.Join(folder, "absent")).wants(t, exitBadInput, "reading the access file")
	lockstep(t.Context(), "serve", "healthcheck", "--api-address", "127.0.0.1:1").wants(t, exitFailed, "asking the API")
}
