package release_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/client-go/rest"

	"lockstep/internal/fence"
	"lockstep/internal/release"
)

// spy sees what Helm sends to the cluster.
type spy struct {
	genericclioptions.RESTClientGetter
	*sent
}

// sent are the changes that were asked for, by method and path; each is told to after, once it was answered.
type sent struct {
	mu      sync.Mutex
	changes []string
	after   func(change string)
}

func (s spy) ToRESTConfig() (*rest.Config, error) {
	config, err := s.RESTClientGetter.ToRESTConfig()
	if err == nil {
		config.Wrap(func(next http.RoundTripper) http.RoundTripper { return watched{next, s.sent} })
	}
	return config, err
}

type watched struct {
	next http.RoundTripper
	*sent
}

func (w watched) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := w.next.RoundTrip(r)
	if r.Method == http.MethodGet {
		return response, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	change := r.Method + " " + r.URL.Path
	w.changes = append(w.changes, change)
	w.after(change)
	return response, err
}

// leases has Helm itself work on a real API server, and cuts it off in the middle of it.
func (s suite) leases(t *testing.T) {
	seen, o := &sent{}, s.options
	o.Getter = func(namespace string) genericclioptions.RESTClientGetter {
		return spy{s.cluster.Getter(namespace), seen}
	}
	engine := release.New(o)

	t.Run("nothing is changed once it is over, and the next attempt carries on", func(t *testing.T) {
		var three []string
		for i := range 3 {
			three = append(three, strings.Replace(web, "{name: web}", fmt.Sprintf("{name: web-%d}", i), 1))
		}
		spec := webSpec(t, "fenced", strings.Join(three, "---\n"))
		lease := fence.New(fence.Options{})
		lease.Confirm(time.Now())
		seen.changes, seen.after = nil, func(change string) {
			if strings.HasSuffix(change, "/configmaps") {
				lease.End("the worker stood still")
			}
		}
		if _, err := engine.Apply(fence.With(t.Context(), lease), spec, nil); err == nil || !strings.Contains(err.Error(), "stood still") {
			t.Errorf("it ended with %v", err)
		}
		if last := seen.changes[len(seen.changes)-1]; !strings.HasSuffix(last, "/configmaps") {
			t.Errorf("after the lease came %s", last)
		}
		pending, err := engine.Look(t.Context(), spec.Namespace, spec.Name)
		if err != nil || pending.Status != "pending-install" {
			t.Errorf("it left %+v, %v", pending, err)
		}
		seen.after = func(string) {}
		if _, err := engine.Apply(t.Context(), spec, nil); err != nil {
			t.Error(err)
		}
	})

	t.Run("a cancelled action puts on record how it ended before it returns", func(t *testing.T) {
		spec := webSpec(t, "cancelled", web+"---\n"+hookJob)
		lease := fence.New(fence.Options{})
		lease.Confirm(time.Now())
		ctx, cancel := context.WithCancel(fence.With(t.Context(), lease))
		defer cancel()
		seen.changes, seen.after = nil, func(change string) {
			if strings.HasSuffix(change, "/jobs") {
				cancel()
			}
		}
		if _, err := engine.Apply(ctx, spec, nil); !errors.Is(err, context.Canceled) {
			t.Errorf("it ended with %v", err)
		}
		changes := len(seen.changes)
		if state, err := engine.Look(t.Context(), spec.Namespace, spec.Name); err != nil || state.Status != "failed" {
			t.Errorf("it left %+v, %v", state, err)
		}
		lease.End("the attempt has ended") // what would still come is refused
		if len(seen.changes) != changes {
			t.Errorf("after it had returned came %v", seen.changes[changes:])
		}
	})
}
