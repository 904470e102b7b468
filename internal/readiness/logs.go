package readiness

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"regexp"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/kubernetes"

	"lockstep/internal/diagnosis"
)

// logLines is how much of a log becomes evidence.
const logLines = 10

// logTail gives the last lines of a container's log, of its previous run if it was restarted. It also works when ctx
// has ended: that is when it is needed most. It is empty when there is no log.
func logTail(ctx context.Context, kube kubernetes.Interface, at diagnosis.Log, redact func(string) string) string {
	if at.Pod == "" || at.Container == "" {
		return ""
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	text := readLog(ctx, kube, at, true)
	if len(bytes.TrimSpace(text)) == 0 {
		text = readLog(ctx, kube, at, false)
	}
	text = bytes.TrimSpace(text)
	if len(text) == 0 {
		return ""
	}
	lines := strings.Split(string(text), "\n")
	if len(lines) > logLines {
		lines = lines[len(lines)-logLines:]
	}
	for i, line := range lines {
		lines[i] = "  " + diagnosis.Clip(redact(mask(strings.TrimRight(line, "\r"))))
	}
	return fmt.Sprintf("last lines of the log of %s in Pod %s/%s:\n%s", at.Container, at.Namespace, at.Pod, strings.Join(lines, "\n"))
}

func readLog(ctx context.Context, kube kubernetes.Interface, at diagnosis.Log, previous bool) []byte {
	lines, bytes := int64(logLines), int64(64<<10)
	stream, err := kube.CoreV1().Pods(at.Namespace).GetLogs(at.Pod, &corev1.PodLogOptions{
		Container: at.Container, Previous: previous, TailLines: &lines, LimitBytes: &bytes,
	}).Stream(ctx)
	if err != nil {
		return nil
	}
	defer stream.Close()
	text, _ := io.ReadAll(io.LimitReader(stream, bytes))
	return text
}

var (
	secretPair   = regexp.MustCompile(`(?i)((?:password|passwd|secret|token|api[_-]?key|encryption[_.-]?key|authorization)["']?\s*[=:]\s*)(?:(?:bearer|basic)\s+)?("[^"]*"|'[^']*'|\S+)`)
	secretBearer = regexp.MustCompile(`(?i)\b(bearer|basic)\s+[a-z0-9._~+/=-]{8,}`)
	secretInURL  = regexp.MustCompile(`(://[^/\s:@]+:)[^/\s@]+@`)
)

// mask hides what looks like the value of a credential.
func mask(line string) string {
	line = secretPair.ReplaceAllString(line, "$1***")
	line = secretBearer.ReplaceAllString(line, "$1 ***")
	return secretInURL.ReplaceAllString(line, "$1***@")
}
