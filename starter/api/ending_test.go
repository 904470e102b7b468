package api

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
)

// forgetful does not say how operations ended.
type forgetful struct{ client.Client }

func (f forgetful) GetWorkflow(ctx context.Context, id, run string) client.WorkflowRun {
	return silent{f.Client.GetWorkflow(ctx, id, run)}
}

type silent struct{ client.WorkflowRun }

func (silent) Get(context.Context, any) error {
	return serviceerror.NewUnavailable("dial tcp 10.1.2.3:7233: connection refused")
}

func TestAnEndThatNobodyTellsIsAskedForAgain(t *testing.T) {
	s := running(t)
	close(s.goOn)
	location := s.start("slow", operator, map[string]any{"operation": "verify"})
	s.until(location, "verified", ended)
	o := s.options
	o.Operations.Client = forgetful{o.Operations.Client}
	_, url := s.replica(o)
	a := s.sendTo(url, http.MethodGet, location, reader, nil).wants(http.StatusServiceUnavailable, "the server's log says why", "try again")
	if strings.Contains(a.body, "10.1.2.3") || a.Header.Get("Retry-After") == "" {
		t.Errorf("%s %s", a.Header, a.body)
	}
}
