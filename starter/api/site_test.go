package api

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/worker"

	"lockstep/activities"
	"lockstep/config"
	"lockstep/config/clusters"
	"lockstep/internal/component"
	"lockstep/internal/dial"
	"lockstep/internal/failure"
	"lockstep/internal/tenants"
	"lockstep/starter/api/auth"
	"lockstep/starter/operations"
	"lockstep/workflows"
	"lockstep/workflows/workflowstest"
)

// patience is how long a condition may take on a machine that has much else to do.
const patience = 2 * time.Minute

const diagnosis = "Deployment apim/is is not ready: CrashLoopBackOff"

// site is a server with what it needs around it.
type site struct {
	*contract
	t       *testing.T
	url     string
	server  *Server
	options Options
	folder  string // of environments
	access  string // file
	audited *buffer
	goOn    chan struct{} // closed: what waits in slow environments goes on
}

// callers are all that the access file knows, by their tokens.
const (
	reader   = "reader-token"   // of dev, slow and paused
	operator = "operator-token" // of the same
	admin    = "admin-token"    // of the same
	root     = "root-token"     // admin of all
	stranger = "stranger-token" // admin of elsewhere
)

func accessFile(tokens ...string) string {
	text := strings.Builder{}
	text.WriteString("limits: {requestsPerSecond: 1000, failuresPerMinute: 1000}\ntokens:\n")
	for _, token := range tokens {
		role, on := strings.TrimSuffix(token, "-token"), `dev, broken, "slow*", "paused*", gone`
		switch token {
		case root:
			role, on = "admin", `"*"`
		case stranger:
			role, on = "admin", "elsewhere"
		}
		sum := sha256.Sum256([]byte(token))
		fmt.Fprintf(&text, "- {name: %s, sha256: %s, grants: [{role: %s, environments: [%s]}]}\n", strings.TrimSuffix(token, "-token"), hex.EncodeToString(sum[:]), role, on)
	}
	return text.String()
}

func everyone() []string { return []string{reader, operator, admin, root, stranger} }

// away is a site whose Temporal does not answer.
func away(t *testing.T) *site {
	t.Helper()
	c, err := client.NewLazyClient(client.Options{HostPort: "127.0.0.1:1", Logger: workflowstest.Silent{}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return newSite(t, c)
}

// idle is a site with a Temporal server, and nobody who carries anything out.
func idle(t *testing.T) *site {
	t.Helper()
	c, _ := workflowstest.Server(t, "Environment", "Operation", "Phase", "Outcome")
	return newSite(t, c)
}

// running is a site with a Temporal server and a worker.
func running(t *testing.T) *site {
	t.Helper()
	s := idle(t)
	w := worker.New(s.options.Operations.Client, "lockstep", worker.Options{MaxHeartbeatThrottleInterval: 50 * time.Millisecond, WorkerStopTimeout: 50 * time.Millisecond})
	workflows.Register(w)
	workflowstest.Register(w, s.cluster())
	if err := w.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Stop)
	eventually(t, "a worker that Temporal sees", func() bool { return s.options.Operations.CheckWorker(t.Context(), config.DefaultCluster) == nil })
	return s
}

// cluster stands in for what activities act on. The environment's name says what happens to it.
func (s *site) cluster() map[string]any {
	return map[string]any{
		"WaitWorkload": func(_ context.Context, in activities.WaitInput) error {
			if in.Component == component.IdentityServer && strings.HasPrefix(in.Env.Name, "paused") && in.Env.Timeouts.IdentityServer != config.Duration(42*time.Minute) {
				return temporal.NewNonRetryableApplicationError(diagnosis, string(failure.NotReady), nil)
			}
			return nil
		},
		"DescribeClusters": func(context.Context, struct{}) (activities.DescribedClusters, error) {
			return activities.DescribedClusters{Served: []activities.DescribedCluster{{Name: "default", Found: tenants.Found{Kubernetes: "v1.35.0",
				Environments: []tenants.Environment{{Name: "dev", Namespace: "apim"}, {Name: "hidden", Namespace: "other"}}}}}}, nil
		},
		"Verify": func(ctx context.Context, in activities.VerifyInput) (activities.Verification, error) {
			if strings.HasPrefix(in.Env.Name, "slow") {
				s.hold(ctx)
			}
			return activities.Verification{Proved: []string{"it answers at level " + string(in.Env.Verify.Level)}}, ctx.Err()
		},
	}
}

func (s *site) hold(ctx context.Context) {
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	for {
		select {
		case <-s.goOn:
			return
		case <-ctx.Done():
			return
		case <-ticker.C:
			activity.RecordHeartbeat(ctx, "still at it")
		}
	}
}

func newSite(t *testing.T, c client.Client) *site {
	t.Helper()
	s := &site{t: t, folder: t.TempDir(), access: filepath.Join(t.TempDir(), "access.yaml"), audited: new(buffer), goOn: make(chan struct{})}
	s.write(s.access, accessFile(everyone()...))
	for _, name := range []string{"dev", "slow", "elsewhere"} {
		s.environment(name)
	}
	s.environment("paused", "onFailure: pause\napprovals: [verify]\n")
	s.write(filepath.Join(s.folder, "broken.yaml"), "apiVersion: lockstep/v1\nname: broken\nnamespace: Not A Name\nspeed: high\n")
	guard, err := auth.New(auth.Options{File: s.access, Audit: slog.New(slog.NewTextHandler(s.audited, nil))})
	if err != nil {
		t.Fatal(err)
	}
	known, err := clusters.Load(clusters.Options{})
	if err != nil {
		t.Fatal(err)
	}
	connection := dial.Connection{Client: c, Namespace: "default", DataConverter: converter.GetDefaultDataConverter(), FailureConverter: temporal.GetDefaultFailureConverter()}
	s.options = Options{Environments: s.folder, Guard: guard, PollEvery: 20 * time.Millisecond,
		Operations: operations.Client{Connection: connection, Clusters: known, UI: "http://localhost:8233"}}
	s.server, s.url = s.replica(s.options)
	s.contract = newContract(t, s.server.document)
	return s
}

// replica is one more server.
func (s *site) replica(o Options) (*Server, string) {
	s.t.Helper()
	server, err := New(o)
	if err != nil {
		s.t.Fatal(err)
	}
	listening := httptest.NewServer(server)
	s.t.Cleanup(listening.Close)
	s.t.Cleanup(server.Stop)
	return server, listening.URL
}

// elsewhere is the site as a server shows it that has other settings.
func (s *site) elsewhere(of clusters.Options) *site {
	s.t.Helper()
	other := *s
	var err error
	if other.options.Operations.Clusters, err = clusters.Load(of); err != nil {
		s.t.Fatal(err)
	}
	other.server, other.url = s.replica(other.options)
	return &other
}

func (s *site) write(file, text string) {
	s.t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

// environment adds one to the folder.
func (s *site) environment(name string, more ...string) {
	s.t.Helper()
	text, err := os.ReadFile("../../examples/quickstart.yaml")
	if err != nil {
		s.t.Fatal(err)
	}
	s.write(filepath.Join(s.folder, name+".yaml"), strings.ReplaceAll(string(text), "name: quickstart", "name: "+name)+strings.Join(more, ""))
}

// answer is what came back.
type answer struct {
	t *testing.T
	*http.Response
	body string
	what string
}

// send asks the site's own server. A body that is no text is sent as JSON; headers are name, value, ….
func (s *site) send(method, path, token string, body any, headers ...string) answer {
	s.t.Helper()
	return s.sendTo(s.url, method, path, token, body, headers...)
}

func (s *site) get(path, token string) answer {
	s.t.Helper()
	return s.send(http.MethodGet, path, token, nil)
}

func (s *site) sendTo(url, method, path, token string, body any, headers ...string) answer {
	s.t.Helper()
	request := newRequest(s.t, url, method, path, token, body, headers...)
	response, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		s.t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	a := answer{s.t, response, string(text), method + " " + path + " as " + token}
	s.contract.check(a, request)
	return a
}

func newRequest(t *testing.T, url, method, path, token string, body any, headers ...string) *http.Request {
	t.Helper()
	var content io.Reader
	switch body := body.(type) {
	case nil:
	case string:
		content = strings.NewReader(body)
	default:
		text, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		content = bytes.NewReader(text)
	}
	request, err := http.NewRequestWithContext(t.Context(), method, url+path, content)
	if err != nil {
		t.Fatal(err)
	}
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	return request
}

// wants a status, and texts in the body.
func (a answer) wants(status int, says ...string) answer {
	a.t.Helper()
	if a.StatusCode != status {
		a.t.Errorf("%s: %s, want %d: %s", a.what, a.Status, status, a.body)
	}
	for _, text := range says {
		if !strings.Contains(a.body, text) {
			a.t.Errorf("%s does not say %q: %s", a.what, text, a.body)
		}
	}
	return a
}

func parsed[T any](a answer) T {
	a.t.Helper()
	var value T
	if err := json.Unmarshal([]byte(a.body), &value); err != nil {
		a.t.Fatalf("%s: %v: %s", a.what, err, a.body)
	}
	return value
}

func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !holds(); {
		if time.Now().After(end) {
			t.Fatalf("never: %s", what)
		}
	}
}

// start begins an operation and answers where it is.
func (s *site) start(environment, token string, body map[string]any, headers ...string) string {
	s.t.Helper()
	a := s.send(http.MethodPost, "/v1/environments/"+environment+"/operations", token, body, headers...).wants(http.StatusAccepted)
	return a.Header.Get("Location")
}

// until reads an operation until it is as wanted.
func (s *site) until(location, what string, holds func(OperationDetails) bool) OperationDetails {
	s.t.Helper()
	var d OperationDetails
	eventually(s.t, what, func() bool {
		d = parsed[OperationDetails](s.get(location, root).wants(http.StatusOK))
		return holds(d)
	})
	return d
}

func ended(d OperationDetails) bool { return d.Ended != nil }

// buffer may be written to and read at the same time.
type buffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}
