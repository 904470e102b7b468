package outbound

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"lockstep/config/mirror"
)

func get(t *testing.T, client *http.Client, address string) error {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	_, err = io.Copy(io.Discard, response.Body)
	return err
}

func TestNothingGoesWithoutTLSThatNobodyAllowed(t *testing.T) {
	var asked int
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked++ }))
	t.Cleanup(server.Close)
	host := strings.TrimPrefix(server.URL, "http://")
	for name, c := range map[string]struct {
		rule    Rule
		allowed bool
	}{
		"nobody":             {Rule{}, false},
		"another port":       {Rule{PlainHTTP: []string{"127.0.0.1:1", "127.0.0.1"}}, false},
		"listed":             {Rule{PlainHTTP: []string{host}}, true},
		"listed later":       {Rule{}.With(host), true},
		"a mirror":           {Rule{Mirrors: mirror.Map{"docker.io": server.URL + "/hub"}}, true},
		"a mirror with TLS":  {Rule{Mirrors: mirror.Map{"docker.io": "https://" + host}}, false},
		"in the place of it": {Rule{Mirrors: mirror.Map{host: "https://mirror.test"}}, false},
	} {
		t.Run(name, func(t *testing.T) {
			asked = 0
			err := get(t, c.rule.Client(nil, 0), server.URL)
			var refused *PlainHTTPError
			if (err == nil) != c.allowed || !c.allowed && !errors.As(err, &refused) || (asked > 0) != c.allowed {
				t.Errorf("asked %d times: %v", asked, err)
			}
			if _, plain := c.rule.Registry(host); plain != c.allowed && name != "a mirror" {
				t.Errorf("a registry there is plain: %t", plain)
			}
		})
	}
}

func TestARedirectNeverLeavesTLS(t *testing.T) {
	plain := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("it was followed") }))
	t.Cleanup(plain.Close)
	secure := httptest.NewTLSServer(http.RedirectHandler(plain.URL, http.StatusFound))
	t.Cleanup(secure.Close)
	for _, rule := range []Rule{{}, {PlainHTTP: []string{strings.TrimPrefix(plain.URL, "http://")}}} {
		if err := get(t, rule.Client(secure.Client().Transport, 0), secure.URL); err == nil || !strings.Contains(err.Error(), "leaves TLS") {
			t.Errorf("got %v", err)
		}
	}
}

func TestRedirectsEnd(t *testing.T) {
	server := httptest.NewTLSServer(http.RedirectHandler("/", http.StatusFound))
	t.Cleanup(server.Close)
	if err := get(t, Rule{}.Client(server.Client().Transport, 0), server.URL); err == nil || !strings.Contains(err.Error(), "more than 10 redirects") {
		t.Errorf("got %v", err)
	}
}

func TestTheMetadataOfACloudIsNotAsked(t *testing.T) {
	for _, address := range []string{"https://169.254.169.254/latest", "https://[fe80::1%25lo]/", "https://[::ffff:169.254.169.254]/", "https://[fd00:ec2::254]/", "https://[fd00:ec2::254%25lo]/", "https://[64:ff9b::a9fe:a9fe]/", "https://100.100.100.200/", "https://168.63.129.16/"} {
		if err := get(t, Rule{}.Client(nil, 5*time.Second), address); !errors.Is(err, ErrLinkLocal) {
			t.Errorf("%s: %v", address, err)
		}
	}
	for address, refused := range map[string]bool{
		"[fd00:ec2::23]:80": true, "[fd20:ce::254]:80": true, "[fd00:c1::a9fe:a9fe]:80": true, "[fd00:42::42]:80": true, "192.0.0.192:80": true,
		"[64:ff9b:1::a9fe:a9fe]:80": true, "[64:ff9b:1:a9fe:a9:fe00::]:80": true, "[64:ff9b:1:a9:fe:a9fe::]:80": true, "[64:ff9b:1:0:a9:fea9:fe00:0]:80": true,
		"[64:ff9b:1::6464:64c8]:80": true, "no address": true, "metadata:80": true, "": true,
		"[64:ff9b:1::808:808]:80": false, "[64:ff9b::808:808]:80": false, "[fd00:ec3::23]:80": false, "[fd20:ce::255]:80": false, "10.0.0.1:80": false, "[2001:db8::a9fe:a9fe]:80": false,
	} {
		if err := notLinkLocal("tcp", address, nil); errors.Is(err, ErrLinkLocal) != refused {
			t.Errorf("%q: %v", address, err)
		}
	}
}

func TestARequestOnWhichNothingMovesEnds(t *testing.T) {
	silent := func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	half := func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "half")
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	}
	for name, handler := range map[string]http.HandlerFunc{"no answer": silent, "half an answer": half} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(handler)
			t.Cleanup(server.Close)
			client := &http.Client{Transport: &patient{next: http.DefaultTransport, patience: 50 * time.Millisecond}}
			if err := get(t, client, server.URL); !errors.Is(err, ErrStalled) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestAServerMayThinkAboutWhatItWasSent(t *testing.T) {
	const patience = 100 * time.Millisecond
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		<-time.After(2 * patience)
	}))
	t.Cleanup(server.Close)
	client := &http.Client{Transport: &patient{next: http.DefaultTransport, patience: patience}}
	for name, body := range map[string]io.Reader{"a layer": &slow{pieces: 1}, "its end": nil} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPut, server.URL, body)
		if err != nil {
			t.Fatal(err)
		}
		response, err := client.Do(request)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		_ = response.Body.Close()
	}
}

func TestTimeThatOthersTakeDoesNotCount(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) }))
	t.Cleanup(server.Close)
	const patience = 200 * time.Millisecond
	client := &http.Client{Transport: &patient{next: http.DefaultTransport, patience: patience}}
	body := &slow{pause: 2 * patience, pieces: 2}
	request, err := http.NewRequestWithContext(context.Background(), http.MethodPost, server.URL, body)
	if err != nil {
		t.Fatal(err)
	}
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	<-time.After(2 * patience)
	if text, err := io.ReadAll(response.Body); err != nil || string(text) != "xx" {
		t.Errorf("%q, %v", text, err)
	}
}

// slow takes its time to bring what is to be sent.
type slow struct {
	pause  time.Duration
	pieces int
}

func (s *slow) Read(p []byte) (int, error) {
	if s.pieces == 0 {
		return 0, io.EOF
	}
	s.pieces--
	<-time.After(s.pause)
	return copy(p, "x"), nil
}

func TestWhatIsShownOfAnAddressIsNoSecret(t *testing.T) {
	for address, want := range map[string]string{
		"https://user:pass@charts.test/a?sig=x#y": "https://charts.test/a",
		"https://charts.test":                     "https://charts.test",
		"http://[::1":                             "an address that cannot be read",
	} {
		if got := Shown(address); got != want {
			t.Errorf("%s is shown as %s", address, got)
		}
	}
}
