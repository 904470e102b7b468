package main

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/api/proxy"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"lockstep/activities"
	"lockstep/config/environments"
	"lockstep/config/operation"
	"lockstep/config/settings"
	"lockstep/internal/codec"
	"lockstep/internal/dial"
	"lockstep/internal/failure"
	"lockstep/workflows"
	"lockstep/workflows/workflowstest"
)

// ring is a folder of encryption keys.
type ring struct{ folder string }

func (r ring) add(t *testing.T, id string) {
	t.Helper()
	key := make([]byte, 32)
	_, _ = rand.Read(key)
	if err := os.WriteFile(filepath.Join(r.folder, id), []byte(base64.StdEncoding.EncodeToString(key)), 0o600); err != nil {
		t.Fatal(err)
	}
}

// encryptingWorker stands in for a cluster in which a registry, whose name is in no other place, fails for environment flaky.
func encryptingWorker(t *testing.T, e settings.Encryption) (stop func()) {
	t.Helper()
	options, err := dial.Options(e)
	if err != nil {
		t.Fatal(err)
	}
	options.Logger = workflowstest.Silent{}
	connection, err := dial.Temporal(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	instead := cluster(nil)
	preflight := instead["Preflight"].(func(context.Context, activities.Input) (activities.Preflight, error))
	instead["Preflight"] = func(ctx context.Context, in activities.Input) (activities.Preflight, error) {
		if in.Env.Name == "flaky" {
			return activities.Preflight{}, temporal.NewApplicationError("registry.flaky.test does not answer", string(failure.Unavailable))
		}
		return preflight(ctx, in)
	}
	stopWorker := startWorker(t, connection.Client, instead)
	return func() { stopWorker(); connection.Close() }
}

func TestWhatTemporalStoresIsEncrypted(t *testing.T) {
	stored, _ := workflowstest.Server(t, "Environment", "Operation", "Phase", "Outcome")
	keys := ring{t.TempDir()}
	keys.add(t, "2025")
	t.Setenv("LOCKSTEP_ENCRYPTION_KEYS", keys.folder)
	stop := encryptingWorker(t, settings.Encryption{Keys: keys.folder})
	defer func() { stop() }()

	t.Run("people read it", func(t *testing.T) {
		lockstep(t.Context(), "deploy", "-f", environment(t, "shop")).wants(t, exitDone, "Environment shop is deployed", "https://gw.shop.test", "the cluster is old")
		lockstep(t.Context(), "deploy", "-f", environment(t, "broken")).wants(t, exitRolledBack, "java.lang.OutOfMemoryError")
		lockstep(t.Context(), "deploy", "-f", environment(t, "slow"), "-d").wants(t, exitDone)
		eventually(t, "0 of 1 pods ready", "status", "slow").wants(t, exitDone)
		lockstep(t.Context(), "deploy", "-f", environment(t, "slow")).wants(t, exitBusy, "by "+identity())
		lockstep(t.Context(), "deploy", "-f", environment(t, "flaky"), "-d").wants(t, exitDone)
		eventually(t, "registry.flaky.test does not answer", "status", "flaky").wants(t, exitDone, ": registry.flaky.test does not answer")
		lockstep(t.Context(), "deploy", "-f", environment(t, "paused", "onFailure: pause\n"), "-d").wants(t, exitDone)
		eventually(t, "deploy paused: paused", "status", "paused").wants(t, exitDone, "java.lang.OutOfMemoryError")
	})

	t.Run("nobody else does", func(t *testing.T) {
		for _, name := range []string{"shop", "broken", "slow", "flaky", "paused"} {
			d, err := stored.DescribeWorkflowExecution(t.Context(), workflows.CanonicalID(name), "")
			if err != nil {
				t.Fatal(err)
			}
			showsNothing(t, name, d)
			showsNothing(t, name, events(t, stored, name))
		}
	})

	t.Run("without keys people are told what is missing", func(t *testing.T) {
		t.Setenv("LOCKSTEP_ENCRYPTION_KEYS", "")
		eventually(t, `encrypted with key "2025"`, "status", "slow").wants(t, exitNoTemporal, "LOCKSTEP_ENCRYPTION_KEYS")
		lockstep(t.Context(), "watch", "broken").wants(t, exitRolledBack, `encrypted with key "2025"`)
	})

	t.Run("what is typed into the Temporal UI is plain and accepted", func(t *testing.T) {
		env, err := environments.Load(environment(t, "typed"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := stored.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{ID: workflows.CanonicalID("typed"), TaskQueue: "lockstep"},
			operation.Deploy, workflows.DeployInput{Request: workflows.Of(env)}); err != nil {
			t.Fatal(err)
		}
		lockstep(t.Context(), "watch", "typed").wants(t, exitDone, "Environment typed is deployed")
	})

	t.Run("keys rotate", func(t *testing.T) {
		stop()
		keys.add(t, "2026")
		t.Setenv("LOCKSTEP_ENCRYPTION_CURRENT", "2026")
		stop = encryptingWorker(t, settings.Encryption{Keys: keys.folder, Current: "2026"})
		lockstep(t.Context(), "deploy", "-f", environment(t, "later")).wants(t, exitDone, "Environment later is deployed")
		if ids := keyIDs(t, events(t, stored, "later")); !slices.Equal(ids, []string{"2026"}) {
			t.Errorf("keys %q", ids)
		}
		lockstep(t.Context(), "rollback", "paused").wants(t, exitDone) // it began with the key of before
		lockstep(t.Context(), "watch", "paused").wants(t, exitRolledBack, "java.lang.OutOfMemoryError")
		if ids := keyIDs(t, events(t, stored, "paused")); !slices.Equal(ids, []string{"2025", "2026"}) {
			t.Errorf("keys %q", ids)
		}
		lockstep(t.Context(), "watch", "shop").wants(t, exitDone, "Environment shop is deployed")

		if err := os.Remove(filepath.Join(keys.folder, "2025")); err != nil {
			t.Fatal(err)
		}
		lockstep(t.Context(), "watch", "later").wants(t, exitDone, "Environment later is deployed")
		if r := lockstep(t.Context(), "watch", "shop"); r.code == exitDone || !strings.Contains(r.stderr, `encrypted with key "2025", and there are only ["2026"]: add that key`) {
			t.Errorf("without the key of before: %+v", r)
		}
	})
}

// events is the newest operation's history, as it is stored.
func events(t *testing.T, c client.Client, environment string) *historypb.History {
	t.Helper()
	history := &historypb.History{}
	all := c.GetWorkflowHistory(t.Context(), workflows.CanonicalID(environment), "", false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for all.HasNext() {
		event, err := all.Next()
		if err != nil {
			t.Fatal(err)
		}
		history.Events = append(history.Events, event)
	}
	return history
}

// showsNothing wants payloads encrypted, all but those of search attributes, and no text besides that says more than the
// environment's name.
func showsNothing(t *testing.T, name string, message proto.Message) {
	t.Helper()
	const own = `"ACTIVITY_ID_NOT_STARTED"` // Temporal's, of an activity that was cancelled early
	each(t, message, func(p *commonpb.Payload) {
		if encoding := string(p.GetMetadata()[converter.MetadataEncoding]); encoding != codec.Encoding && string(p.GetData()) != own {
			t.Errorf("%s: a payload is %s: %s", name, encoding, p.GetData())
		}
	})
	text := protojson.Format(message)
	for _, secret := range []string{"shop.test", "OutOfMemoryError", "pods ready", "cluster is old", "registry.flaky", "Deploy of", ".go:"} {
		if strings.Contains(text, secret) {
			t.Errorf("%s: %q shows", name, secret)
		}
	}
}

func keyIDs(t *testing.T, message proto.Message) []string {
	t.Helper()
	var ids []string
	each(t, message, func(p *commonpb.Payload) { ids = append(ids, string(p.GetMetadata()[codec.KeyID])) })
	slices.Sort(ids)
	return slices.Compact(ids)
}

func each(t *testing.T, message proto.Message, look func(*commonpb.Payload)) {
	t.Helper()
	visited := 0
	err := proxy.VisitPayloads(t.Context(), message, proxy.VisitPayloadsOptions{SkipSearchAttributes: true,
		Visitor: func(_ *proxy.VisitPayloadsContext, payloads []*commonpb.Payload) ([]*commonpb.Payload, error) {
			for _, p := range payloads {
				look(p)
				visited++
			}
			return payloads, nil
		}})
	if err != nil || visited == 0 {
		t.Errorf("%d payloads seen: %v", visited, err)
	}
}
