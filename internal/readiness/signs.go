package readiness

import (
	"context"
	"fmt"
	"time"

	"lockstep/internal/diagnosis"
	"lockstep/internal/podlog"
	"lockstep/internal/redact"
)

// ReasonSign is the reason of a program that says itself that it will not become ready, and lives on.
const ReasonSign = "StartFailed"

// signPace is how often the log of a container that is not ready is read.
const signPace = 5 * time.Second

// signReader looks for signs in the log of a container that a wait waits for.
type signReader struct {
	signs []podlog.Sign
	asked time.Time
}

// judge adds to a verdict what the log of the container that it waits for says for good. An earlier problem says more.
func (s *signReader) judge(ctx context.Context, w *wait, v diagnosis.Verdict) diagnosis.Verdict {
	if len(s.signs) == 0 || v.Done || v.Problem != nil || v.Log.Container == "" || time.Since(s.asked) < signPace {
		return v
	}
	s.asked = time.Now()
	reading, cancel := context.WithTimeout(ctx, signPace)
	defer cancel()
	kube := w.client.Kube()
	sign, line, found := podlog.Find(string(readLog(reading, kube, v.Log, false)), s.signs)
	if !found {
		return v
	}
	quoting, cancel := context.WithTimeout(ctx, signPace)
	defer cancel()
	quoting, known := withSecretsOf(quoting, kube, v.Log)
	if !known {
		line = sign.Text
	}
	said := shortened([]string{redact.Foreign(quoting, line)})
	v.Problem = &diagnosis.Problem{Reason: ReasonSign, Object: fmt.Sprintf("container %s of Pod %s/%s", v.Log.Container, v.Log.Namespace, v.Log.Pod),
		Evidence: sign.Means + ": " + said[0], NextMove: sign.Next}
	return v
}
