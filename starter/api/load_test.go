package api

import (
	"bufio"
	"cmp"
	"context"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"text/tabwriter"
	"time"
)

// How long the load lasts, and how much of it there is. `make bench` has a minute.
var loadFor = flag.Duration("load", 3*time.Second, "how long the API is under load")

const (
	hammers    = 20
	watchers   = 1000
	slowBodies = 300
	slowReader = 100
	// mostMemory is what the heap of server and callers together, which are one process here, may grow by.
	mostMemory = 256 << 20
)

// load is what one kind of caller saw.
type load struct {
	name    string
	callers int
	mu      sync.Mutex
	took    []time.Duration
	status  map[int]int
	failed  int
}

func (l *load) saw(status int, took time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.took = append(l.took, took)
	l.status[status]++
}

func (l *load) broke() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.failed++
}

// seen are all that were answered, or not.
func (l *load) seen() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.took) + l.failed
}

func (l *load) row(out io.Writer) {
	slices.Sort(l.took)
	at := func(part int) time.Duration {
		if len(l.took) == 0 {
			return 0
		}
		return l.took[min(len(l.took)*part/100, len(l.took)-1)].Round(10 * time.Microsecond)
	}
	var statuses []string
	for _, status := range slices.SortedFunc(func(yield func(int) bool) {
		for status := range l.status {
			if !yield(status) {
				return
			}
		}
	}, cmp.Compare[int]) {
		statuses = append(statuses, fmt.Sprintf("%d: %d", status, l.status[status]))
	}
	fmt.Fprintf(out, "%s\t%d\t%d\t%s\t%d\t%s\t%s\t%s\n", l.name, l.callers, len(l.took), strings.Join(statuses, ", "), l.failed, at(50), at(99), at(100))
}

// TestLoad has everything at once: callers that ask as fast as they can, a thousand that watch, some that send and some that read as slowly as
// they can. One more caller, who does nothing out of the ordinary, is served meanwhile, memory stays bounded, and all that was begun ends.
func TestLoad(t *testing.T) {
	s := running(t)
	location := s.start("slow", operator, map[string]any{"operation": "verify"})
	s.until(location, "it runs", func(d OperationDetails) bool { return len(d.Doing) > 0 })
	transport := &http.Transport{MaxIdleConnsPerHost: hammers + 1}
	client := &http.Client{Transport: transport}
	goroutines, heap := runtime.NumGoroutine(), heapNow()

	watching, leave := context.WithCancel(t.Context())
	defer leave()
	kind := func(name string, callers int) *load {
		return &load{name: name, callers: callers, status: map[int]int{}}
	}
	hammer, watch, bodies, readers, other := kind("as fast as they can", hammers), kind("watch an operation", watchers), kind("send a body slowly", slowBodies),
		kind("read slowly", slowReader), kind("the other caller", 1)
	var all sync.WaitGroup
	var peak, events atomic.Int64
	for i := range watchers {
		all.Go(func() { s.watchUnderLoad(watching, watch, &events, []string{reader, admin}[i%2], location) })
	}
	eventually(t, "all watch", func() bool { time.Sleep(10 * time.Millisecond); return watch.seen() == watchers })
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	began := time.Now()
	for i := range hammers {
		all.Go(func() { s.hammer(ctx, hammer, client, i, location) })
	}
	for i := range slowBodies {
		all.Go(func() { s.slowBody(ctx, bodies, i) })
	}
	for range slowReader {
		all.Go(func() { s.slowReader(ctx, readers) })
	}
	all.Go(func() {
		for ctx.Err() == nil {
			s.once(ctx, other, client, http.MethodGet, location, root, "")
			peak.Store(max(peak.Load(), heapNow()))
			pause(ctx, 50*time.Millisecond)
		}
	})
	eventually(t, "the load is over, and everybody was heard", func() bool {
		time.Sleep(10 * time.Millisecond)
		return time.Since(began) > *loadFor && other.seen() > 4 && hammer.seen() > hammers && bodies.seen() >= slowBodies && readers.seen() >= slowReader
	})
	cancel()
	leave()
	all.Wait()
	transport.CloseIdleConnections()
	grew := (peak.Load() - heap) >> 20

	table := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "callers\tnumber\trequests\tanswers\tbroken off\tmedian\t99 %\tlongest")
	for _, l := range []*load{hammer, watch, bodies, readers, other} {
		l.row(table)
	}
	_ = table.Flush()
	fmt.Printf("in %s: the heap of server and callers grew by %d MiB at most; %d events reached watchers\n", time.Since(began).Round(time.Second), grew, events.Load())

	if other.failed > 0 || other.status[http.StatusOK] != len(other.took) || len(other.took) == 0 {
		t.Errorf("the other caller was not served: %v, %d broken off", other.status, other.failed)
	}
	for status := range hammer.status {
		if status >= 500 {
			t.Errorf("a caller was answered %d", status)
		}
	}
	if watch.status[http.StatusOK] != watchers || events.Load() < watchers {
		t.Errorf("of %d watchers %v came, %d events", watchers, watch.status, events.Load())
	}
	if grew > mostMemory>>20 {
		t.Errorf("memory grew by %d MiB", grew)
	}
	close(s.goOn)
	s.nobodyWatches(s.server)
	s.until(location, "it ended", ended)
	eventually(t, "all that was begun has ended", func() bool {
		http.DefaultTransport.(*http.Transport).CloseIdleConnections()
		return runtime.NumGoroutine() < goroutines+50
	})
}

// once is one request.
func (s *site) once(ctx context.Context, l *load, client *http.Client, method, path, token, body string) {
	request, err := http.NewRequestWithContext(ctx, method, s.url+path, strings.NewReader(body))
	if err != nil {
		l.broke()
		return
	}
	request.Header.Set("Authorization", "Bearer "+token)
	request.Header.Set("Content-Type", "application/json")
	began := time.Now()
	response, err := client.Do(request)
	if err == nil {
		_, err = io.Copy(io.Discard, response.Body)
		_ = response.Body.Close()
	}
	switch {
	case ctx.Err() != nil: // the load is over
	case err != nil:
		l.broke()
	default:
		l.saw(response.StatusCode, time.Since(began))
	}
}

// hammer reads, starts what cannot start now, and asks for what there is not.
func (s *site) hammer(ctx context.Context, l *load, client *http.Client, i int, location string) {
	token := []string{reader, operator, admin, stranger}[i%4]
	for n := 0; ctx.Err() == nil; n++ {
		switch n % 5 {
		case 0:
			s.once(ctx, l, client, http.MethodGet, "/v1/environments", token, "")
		case 1:
			s.once(ctx, l, client, http.MethodGet, location, token, "")
		case 2:
			s.once(ctx, l, client, http.MethodPost, "/v1/environments/slow/operations", token, `{"operation":"verify"}`)
		case 3:
			s.once(ctx, l, client, http.MethodGet, "/v1/environments/slow/operations?limit=50", token, "")
		case 4:
			s.once(ctx, l, client, http.MethodGet, "/v1/environments/absent", token, "")
		}
	}
}

// opening are the streams that are opened at once.
var opening = make(chan struct{}, 50)

func (s *site) watchUnderLoad(ctx context.Context, l *load, events *atomic.Int64, token, location string) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+location+"/events", nil)
	if err != nil {
		l.broke()
		return
	}
	request.Header.Set("Authorization", "Bearer "+token)
	transport := &http.Transport{DisableKeepAlives: true}
	opening <- struct{}{}
	began := time.Now()
	response, err := transport.RoundTrip(request)
	<-opening
	if err != nil {
		l.broke()
		return
	}
	defer response.Body.Close()
	l.saw(response.StatusCode, time.Since(began))
	for lines := bufio.NewScanner(response.Body); lines.Scan(); {
		if strings.HasPrefix(lines.Text(), "event: ") {
			events.Add(1)
		}
	}
}

// slowBody sends all but the last byte of a body of the largest size. Half of them say no token, to what is for everybody.
func (s *site) slowBody(ctx context.Context, l *load, i int) {
	const size = 1 << 20
	left := size - 2
	head := fmt.Sprintf("GET /livez HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n", size)
	if i%2 == 0 {
		head = fmt.Sprintf("POST /v1/environments/dev/operations HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n", operator, size)
	}
	s.raw(ctx, l, func(conn net.Conn) {
		_, _ = io.WriteString(conn, head+"{")
		for piece := strings.Repeat(" ", 1<<10); ; { // the last byte would be one too many
			if n, err := io.WriteString(conn, piece); err != nil || n == 0 {
				return
			}
			if left -= len(piece); left < len(piece) {
				_, _ = io.WriteString(conn, piece[:left])
				return
			}
		}
	}, time.Millisecond)
}

// slowReader asks again and again for a large answer, and reads a byte at a time.
func (s *site) slowReader(ctx context.Context, l *load) {
	s.raw(ctx, l, func(conn net.Conn) {
		_ = conn.(*net.TCPConn).SetReadBuffer(1 << 10)
		for range 100 {
			if _, err := io.WriteString(conn, "GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
				return
			}
		}
	}, 100*time.Millisecond)
}

// raw speaks to the server as it likes, and reads a byte at a time.
func (s *site) raw(ctx context.Context, l *load, send func(net.Conn), every time.Duration) {
	began := time.Now()
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", strings.TrimPrefix(s.url, "http://"))
	if err != nil {
		l.broke()
		return
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Now()) })
	defer stop()
	go send(conn)
	line := make([]byte, 0, 64)
	for one := make([]byte, 1); ctx.Err() == nil; pause(ctx, every) {
		if _, err := conn.Read(one); err != nil {
			if ctx.Err() == nil {
				l.broke()
			}
			return
		}
		if len(line) < 12 {
			if line = append(line, one[0]); len(line) == 12 {
				status := 0
				_, _ = fmt.Sscanf(string(line), "HTTP/1.1 %d", &status)
				l.saw(status, time.Since(began))
			}
		}
	}
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

func heapNow() int64 {
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc)
}
