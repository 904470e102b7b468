package api

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// watcher is a client's side of events.
type watcher struct {
	t      *testing.T
	close  context.CancelFunc
	status int
	lines  chan string // closed when the stream ends
}

// sent is one event.
type sent struct{ name, id, data string }

func (s *site) watch(url, location, token, last string) *watcher {
	s.t.Helper()
	ctx, cancel := context.WithCancel(s.t.Context())
	s.t.Cleanup(cancel)
	request := newRequest(s.t, url, http.MethodGet, location+"/events", token, nil)
	if last != "" {
		request.Header.Set("Last-Event-ID", last)
	}
	response, err := new(http.Transport).RoundTrip(request.WithContext(ctx))
	if err != nil {
		s.t.Fatal(err)
	}
	st := &watcher{t: s.t, close: cancel, status: response.StatusCode, lines: make(chan string, 10_000)}
	go func() {
		defer response.Body.Close()
		defer close(st.lines)
		scanner := bufio.NewScanner(response.Body)
		scanner.Buffer(nil, 1<<20)
		for scanner.Scan() {
			st.lines <- scanner.Text()
		}
	}()
	return st
}

// next is the next event, with no name once the stream has ended. Comments are events named ":".
func (st *watcher) next() sent {
	st.t.Helper()
	var e sent
	late := time.After(patience)
	for {
		select {
		case line, open := <-st.lines:
			field, value, _ := strings.Cut(line, ": ")
			switch {
			case !open:
				return sent{}
			case line == "" && e != sent{}:
				return e
			case line == "":
			case field == "":
				e.name = ":"
			case field == "event":
				e.name = value
			case field == "id":
				e.id = value
			case field == "data":
				e.data = value
			}
		case <-late:
			st.t.Fatal("no event came")
		}
	}
}

// event skips comments, and events that are not as wanted.
func (st *watcher) event(name string, holds func(OperationDetails) bool) sent {
	st.t.Helper()
	for {
		e := st.next()
		if e.name == "" {
			st.t.Fatalf("the stream ended without %s", name)
		}
		if e.name != name {
			continue
		}
		var d OperationDetails
		if err := json.Unmarshal([]byte(e.data), &d); err != nil {
			st.t.Fatal(err)
		}
		if holds == nil || holds(d) {
			return e
		}
	}
}

func (s *site) nobodyWatches(server *Server) {
	s.t.Helper()
	eventually(s.t, "nobody watches", func() bool {
		w := httptest.NewRecorder()
		server.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "http://localhost/metrics", nil))
		return strings.Contains(w.Body.String(), "\nlockstep_api_watchers 0\n") && strings.Contains(w.Body.String(), "\nlockstep_api_watched_operations 0\n")
	})
}

func TestEventsResumeOnAnyServer(t *testing.T) {
	s := running(t)
	otherServer, other := s.replica(s.options)
	location := s.start("slow", operator, map[string]any{"operation": "verify"})
	s.send(http.MethodHead, location+"/events", reader, nil).wants(http.StatusOK)

	first := s.watch(s.url, location, reader, "")
	seen := first.event("board", func(d OperationDetails) bool {
		return len(d.Doing) > 0 && d.Board != nil && d.Doing["verify"] == "still at it"
	})
	if comment := s.watch(other, location, reader, ""); comment.event("board", nil).id == "" {
		t.Error("a board has no id")
	}

	t.Run("a client that is killed leaves nothing behind", func(t *testing.T) {
		s.t = t
		for range 20 {
			st := s.watch(s.url, location, reader, "")
			st.event("board", nil)
			st.close()
		}
		first.close()
		s.nobodyWatches(s.server)
	})

	t.Run("who resumes on another server gets what changed since", func(t *testing.T) {
		s.t = t
		resumed := s.watch(other, location, reader, seen.id)
		close(s.goOn)
		last := resumed.event("board", ended)
		end := resumed.event("end", nil)
		if last.id == seen.id || end.id != last.id+"-end" || !strings.Contains(end.data, `"outcome":"done"`) || resumed.next() != (sent{}) {
			t.Errorf("%+v %+v", last, end)
		}
		late := s.watch(s.url, location, reader, "")
		if again := late.event("board", nil); again != last {
			t.Errorf("another server's last board is %+v, not %+v", again, last)
		}
		missed := s.watch(s.url, location, reader, last.id)
		for e := missed.next(); e != end; e = missed.next() {
			if e.name != ":" {
				t.Fatalf("who saw the last board gets %+v", e)
			}
		}
		if done := s.watch(s.url, location, reader, end.id); done.status != http.StatusNoContent {
			t.Errorf("who saw the end gets %d", done.status)
		}
		s.nobodyWatches(otherServer)
	})
}

func TestStreamsAreBounded(t *testing.T) {
	s := running(t)
	o := s.options
	o.MaxWatchers, o.MaxWatched, o.Heartbeat = 3, 1, 20*time.Millisecond
	server, url := s.replica(o)
	s.environment("slow-too")
	location, second := s.start("slow", operator, map[string]any{"operation": "verify"}), s.start("slow-too", operator, map[string]any{"operation": "verify"})

	one := s.watch(url, location, reader, "")
	one.event("board", nil)
	a := s.sendTo(url, http.MethodGet, second+"/events", reader, nil).wants(http.StatusServiceUnavailable, "no room for more watched operations")
	if a.Header.Get("Retry-After") != "10" {
		t.Errorf("%s", a.Header)
	}
	two := s.watch(url, location, reader, "")
	two.event("board", nil)
	s.sendTo(url, http.MethodGet, location+"/events", reader, nil).wants(http.StatusServiceUnavailable, "as one caller may")
	three := s.watch(url, location, operator, "")
	three.event("board", nil)
	s.sendTo(url, http.MethodGet, location+"/events", reader, nil).wants(http.StatusServiceUnavailable, "no room for more watchers")
	s.sendTo(url, http.MethodGet, "/metrics", "", nil).wants(http.StatusOK, "lockstep_api_watchers 3", "lockstep_api_watched_operations 1", "lockstep_api_watchers_refused_total 3")
	for range 3 {
		for two.next().name != ":" {
		}
	}

	// A token that is withdrawn watches no longer.
	s.write(s.access, accessFile(operator, root))
	if e := two.event("refused", nil); !strings.Contains(e.data, "not known") {
		t.Errorf("%+v", e)
	}
	one.event("refused", nil)

	// A server that stops says so.
	server.Stop()
	if e := three.event("reconnect", nil); e.id != "" || three.next() != (sent{}) {
		t.Errorf("%+v", e)
	}
	s.nobodyWatches(server)
	s.sendTo(url, http.MethodGet, "/readyz", "", nil).wants(http.StatusServiceUnavailable, "stopping")
	close(s.goOn)
	s.until(location, "verified", ended)
	s.until(second, "verified", ended)
}
