package fault

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// served is a server with faults that answers 0123456789 and counts what it served.
func served(t *testing.T, faults ...Fault) (url, file string, count func() int) {
	t.Helper()
	file = File(t.TempDir())
	if err := Write(file, faults...); err != nil {
		t.Fatal(err)
	}
	n := 0
	s := httptest.NewServer(Handler(file, Registry, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		n++
		_, _ = w.Write([]byte("0123456789"))
	})))
	t.Cleanup(s.Close)
	return s.URL, file, func() int { return n }
}

// ask gives status and body; 0 for a connection that was cut before an answer.
func ask(t *testing.T, method, url string) (int, string, error) {
	t.Helper()
	request, err := http.NewRequest(method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Idempotency-Key", "") // or the client would repeat what was cut
	response, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(request)
	if err != nil {
		return 0, "", nil
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return response.StatusCode, string(body), err
}

func TestAFaultFailsTheRequestsItSays(t *testing.T) {
	url, file, _ := served(t,
		Fault{ID: "elsewhere", Server: Identity, Status: 500},
		Fault{ID: "get", Server: Registry, Method: "GET", Path: "/v2/", Skip: 1, Times: 2, Status: 503},
	)
	var got []int
	for _, request := range []string{"GET /v2/", "GET /v2/x", "PUT /v2/", "GET /other", "GET /v2/", "GET /v2/"} {
		method, path, _ := strings.Cut(request, " ")
		status, _, _ := ask(t, method, url+path)
		got = append(got, status)
	}
	if diff := cmp.Diff([]int{200, 503, 200, 200, 503, 200}, got); diff != "" {
		t.Error(diff)
	}
	hits, err := Hits(file)
	if diff := cmp.Diff(map[string]int{"get": 2}, hits); err != nil || diff != "" {
		t.Error(err, diff)
	}
}

func TestAConnectionIsCutWhereTheFaultSays(t *testing.T) {
	for cut, want := range map[Cut]struct {
		served int
		body   string
		broken bool
	}{
		CutStart:  {served: 0},
		CutAnswer: {served: 1},
		CutBody:   {served: 1, body: "01234", broken: true},
	} {
		url, _, count := served(t, Fault{ID: "x", Server: Registry, Cut: cut, Times: 1})
		_, body, err := ask(t, "GET", url)
		if body != want.body || errors.Is(err, io.ErrUnexpectedEOF) != want.broken || count() != want.served {
			t.Errorf("cut %s: body %q, %v, served %d", cut, body, err, count())
		}
		if status, body, err := ask(t, "GET", url); status != 200 || body != "0123456789" || err != nil {
			t.Errorf("after cut %s: %d %q %v", cut, status, body, err)
		}
	}
}

func TestAnEqualFaultWithAnotherIDIsNotSpent(t *testing.T) {
	url, file, _ := served(t, Fault{ID: "first", Server: Registry, Status: 429, RetryAfter: 1, Times: 1})
	first, _, _ := ask(t, "GET", url)
	spent, _, _ := ask(t, "GET", url)
	if err := Write(file, Fault{ID: "second", Server: Registry, Status: 429, Times: 1}); err != nil {
		t.Fatal(err)
	}
	again, _, _ := ask(t, "GET", url)
	if err := Write(file); err != nil {
		t.Fatal(err)
	}
	none, _, _ := ask(t, "GET", url)
	if diff := cmp.Diff([]int{429, 200, 429, 200}, []int{first, spent, again, none}); diff != "" {
		t.Error(diff)
	}
}
