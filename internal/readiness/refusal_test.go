package readiness

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"

	"lockstep/internal/cluster"
	"lockstep/internal/failure"
)

// now is when the tests look.
var now = time.Date(2026, 3, 1, 12, 10, 0, 0, time.UTC)

func TestARefusalCountsOnceItHasLasted(t *testing.T) {
	forbidden := apierrors.NewForbidden(schema.GroupResource{Resource: "pods"}, "", errors.New("no"))
	unauthorized := apierrors.NewUnauthorized("no")
	type try struct {
		after time.Duration
		err   error // nil: a watch was opened
	}
	for name, test := range map[string]struct {
		tries []try
		want  bool
	}{
		"one":                        {[]try{{0, forbidden}}, false},
		"some for a moment":          {[]try{{0, forbidden}, {time.Second, unauthorized}}, false},
		"for long":                   {[]try{{0, unauthorized}, {20 * time.Second, forbidden}, {40 * time.Second, unauthorized}}, true},
		"a watch between":            {[]try{{0, forbidden}, {time.Second, nil}, {time.Minute, forbidden}}, false},
		"a lost connection between":  {[]try{{0, forbidden}, {time.Second, context.DeadlineExceeded}, {time.Minute, forbidden}}, false},
		"again for long after watch": {[]try{{0, forbidden}, {time.Second, nil}, {time.Minute, forbidden}, {2 * time.Minute, forbidden}}, true},
		"over at last":               {[]try{{0, forbidden}, {time.Minute, forbidden}, {2 * time.Minute, nil}}, false},
	} {
		t.Run(name, func(t *testing.T) {
			r := &refusal{}
			for _, try := range test.tries {
				if try.err == nil {
					r.passed()
					continue
				}
				r.failed(try.err, now.Add(try.after))
			}
			if got := refused([]*refusal{{}, r}, refusalGrace); (got != nil) != test.want {
				t.Errorf("got %v", got)
			}
		})
	}
}

// refusingServer refuses the first requests with the status, all with refuse -1, and has no objects.
func refusingServer(t *testing.T, status int, refuse int32) string {
	t.Helper()
	var asked atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		switch {
		case refuse < 0 || asked.Add(1) <= refuse:
			w.WriteHeader(status)
			fmt.Fprintf(w, `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":%q,"code":%d}`,
				map[int]string{401: "Unauthorized", 403: "Forbidden"}[status], status)
		case r.URL.Query().Has("sendInitialEvents"): // an API server that cannot stream lists
			w.WriteHeader(http.StatusBadRequest)
		case r.URL.Query().Has("watch"):
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		default:
			fmt.Fprint(w, `{"kind":"List","apiVersion":"v1","metadata":{"resourceVersion":"1"},"items":[]}`)
		}
	}))
	t.Cleanup(server.CloseClientConnections)
	return server.URL
}

func TestAWaitOutlivesARefusalThatPasses(t *testing.T) {
	for _, status := range []int{http.StatusUnauthorized, http.StatusForbidden} {
		client, err := cluster.NewForConfig(&rest.Config{Host: refusingServer(t, status, 8)})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		err = Deployment(ctx, client, "apim", "is", nil, Pace(100))
		if !failure.Is(err, failure.NotReady) || failure.ReasonOf(err) != "NotFound" {
			t.Errorf("%d: got %v, want what the cluster has", status, err)
		}
	}
}

func TestADeadlineAmidRefusalsSaysSo(t *testing.T) {
	client, err := cluster.NewForConfig(&rest.Config{Host: refusingServer(t, http.StatusForbidden, -1)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if err := Deployment(ctx, client, "apim", "is", nil); failure.ReasonOf(err) != cluster.ReasonForbidden {
		t.Errorf("got %v", err)
	}
}

func TestAnOpenedWatchEndsARefusal(t *testing.T) {
	r := &refusal{}
	r.failed(apierrors.NewUnauthorized("no"), now)
	client, err := cluster.NewForConfig(&rest.Config{Host: refusingServer(t, 0, 0)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	informer := watchRollout(client.Kube(), "apim", "is").pods
	go informer.RunWithContext(r.with(ctx))
	for limit := time.Now().Add(10 * time.Second); refused([]*refusal{r}, 0) != nil; pause(ctx, 5*time.Millisecond) {
		if time.Now().After(limit) {
			t.Fatal("it lasts although the informer watches")
		}
	}
}

func TestAnUnreachableClusterIsToldByAWait(t *testing.T) {
	client, err := cluster.NewForConfig(&rest.Config{Host: "http://127.0.0.1:1"})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if err := Deployment(ctx, client, "apim", "is", nil); failure.ReasonOf(err) != cluster.ReasonUnreachable {
		t.Errorf("got %v", err)
	}
}
