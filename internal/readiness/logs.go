package readiness

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"lockstep/internal/diagnosis"
	"lockstep/internal/podlog"
	"lockstep/internal/redact"
)

const (
	// logLines is how many lines of a log become evidence.
	logLines = 12
	// logBytes is how much of the end of a log is looked through: products write lines of 30 KB.
	logBytes = 1 << 20
	// logLimit is how much is read to get there.
	logLimit = 16 << 20
)

// logTail gives what an operator has to read of a container's log, of its previous run if it was restarted. It also works when ctx
// has ended: that is when it is needed most. It is empty when there is no log.
func logTail(ctx context.Context, kube kubernetes.Interface, at diagnosis.Log) string {
	if at.Pod == "" || at.Container == "" {
		return ""
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	ctx, known := withSecretsOf(ctx, kube, at) // first: without them nothing may be quoted
	if !known {
		return ""
	}
	text := readLog(ctx, kube, at, true)
	if len(bytes.TrimSpace(text)) == 0 {
		text = readLog(ctx, kube, at, false)
	}
	text = bytes.TrimSpace(text)
	if len(text) == 0 {
		return ""
	}
	lines := podlog.Excerpt(redact.Foreign(ctx, string(text)), logLines)
	return fmt.Sprintf("from the log of %s in Pod %s/%s:\n  %s", at.Container, at.Namespace, at.Pod, strings.Join(shortened(lines), "\n  "))
}

// readLog gives the end of a log. The API server would cut the end where the lines are too long, so the limit is kept here.
func readLog(ctx context.Context, kube kubernetes.Interface, at diagnosis.Log, previous bool) []byte {
	lines := int64(podlog.Read)
	stream, err := kube.CoreV1().Pods(at.Namespace).GetLogs(at.Pod, &corev1.PodLogOptions{
		Container: at.Container, Previous: previous, TailLines: &lines,
	}).Stream(ctx)
	if err != nil {
		return nil
	}
	defer stream.Close()
	return endOf(stream, logBytes, logLimit)
}

// endOf reads until the limit and keeps whole lines of the end: half a line may hold half a secret.
func endOf(r io.Reader, size, limit int) []byte {
	var kept []byte
	chunk, read := make([]byte, 64<<10), 0
	for whole := true; ; {
		n, err := r.Read(chunk)
		kept = append(kept, chunk[:n]...)
		if read += n; read > limit {
			err = io.ErrUnexpectedEOF
		}
		if len(kept) > 2*size || err != nil && len(kept) > size {
			kept, whole = append(kept[:0], kept[len(kept)-size:]...), false
		}
		if err == nil {
			continue
		}
		if err != io.EOF { // cut off
			kept = kept[:bytes.LastIndexByte(kept, '\n')+1]
		}
		if _, rest, more := bytes.Cut(kept, []byte("\n")); !whole && more {
			return rest
		}
		return kept
	}
}

// withSecretsOf is a context in which what the pod gets of Secrets is known to be secret: a program may log what it was given. A Secret that
// is not there, or that the account may not read, is left to what looks like a credential. It is not known if the API server does not
// answer.
func withSecretsOf(ctx context.Context, kube kubernetes.Interface, at diagnosis.Log) (_ context.Context, known bool) {
	ctx = redact.With(ctx)
	pod, err := kube.CoreV1().Pods(at.Namespace).Get(ctx, at.Pod, metav1.GetOptions{})
	if err != nil {
		return ctx, answered(err)
	}
	for _, name := range secretsOf(pod) {
		secret, err := kube.CoreV1().Secrets(at.Namespace).Get(ctx, name, metav1.GetOptions{})
		if err != nil && !answered(err) {
			return ctx, false
		}
		for _, value := range secret.Data {
			redact.Add(ctx, string(value))
		}
	}
	return ctx, true
}

// answered says whether an error is an answer about the object.
func answered(err error) bool { return apierrors.IsNotFound(err) || apierrors.IsForbidden(err) }

// secretsOf are the names of the Secrets that a pod's variables and volumes are of.
func secretsOf(pod *corev1.Pod) (names []string) {
	for _, c := range slices.Concat(pod.Spec.InitContainers, pod.Spec.Containers) {
		for _, from := range c.EnvFrom {
			if from.SecretRef != nil {
				names = append(names, from.SecretRef.Name)
			}
		}
		for _, variable := range c.Env {
			if variable.ValueFrom != nil && variable.ValueFrom.SecretKeyRef != nil {
				names = append(names, variable.ValueFrom.SecretKeyRef.Name)
			}
		}
	}
	for _, volume := range pod.Spec.Volumes {
		if volume.Secret != nil {
			names = append(names, volume.Secret.SecretName)
		}
		if volume.Projected != nil {
			for _, source := range volume.Projected.Sources {
				if source.Secret != nil {
					names = append(names, source.Secret.Name)
				}
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// longest is that of a line that is still readable where it is shown.
const longest = 400

// quoted are lines that others wrote, without secrets, and then each cut to a readable length.
func quoted(ctx context.Context, text string) string {
	return strings.Join(shortened(strings.Split(redact.Foreign(ctx, text), "\n")), "\n")
}

func shortened(lines []string) []string {
	for i, line := range lines {
		line = strings.TrimRight(line, "\r")
		if len(line) > longest {
			line = strings.ToValidUTF8(line[:longest], "") + "…"
		}
		lines[i] = line
	}
	return lines
}
