package node

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"text/template"
	"time"

	"lockstep/sandbox/process"
)

// kwokConfig gives kwok this one node, and stages for nodes alone: without a stage for pods kwok never touches one, so
// their statuses are this package's. The format is kwok's, https://kwok.sigs.k8s.io/docs/user/configuration/.
var kwokConfig = template.Must(template.New("kwok").Delims("[[", "]]").Parse(`apiVersion: config.kwok.x-k8s.io/v1alpha1
kind: KwokConfiguration
options:
  manageSingleNode: [[.Name]]
  nodeName: [[.Name]]
  nodeIP: [[.Address]]
  nodePort: [[.Port]]
  serverAddress: [[.Address]]:[[.Port]]
  tlsCertFile: [[.Certificate]]
  tlsPrivateKeyFile: [[.Key]]
  nodeLeaseDurationSeconds: 40
  nodeLeaseParallelism: 1
  nodePlayStageParallelism: 1
  enableDebuggingHandlers: true
  enableCRDs: [Logs, Exec, PortForward]
[[range .Stages]]---
apiVersion: kwok.x-k8s.io/v1alpha1
kind: Stage
metadata:
  name: node-[[.Name]]
spec:
  resourceRef: {apiGroup: v1, kind: Node}
  selector:
    matchExpressions:
    - key: '.status.conditions.[] | select( .type == "Ready" ) | .status'
      operator: [[.Operator]]
      values: ["True"]
  delay: {durationMilliseconds: [[.Delay.Milliseconds]]}
  next:
    statusTemplate: |
      {{ $now := Now }}
      conditions:
      {{ range NodeConditions }}
      - type: {{ .type | Quote }}
        status: {{ .status | Quote }}
        reason: {{ .reason | Quote }}
        message: {{ .message | Quote }}
        lastHeartbeatTime: {{ $now | Quote }}
        lastTransitionTime: {{ or $.metadata.creationTimestamp $now | Quote }}
      {{ end }}
[[end]]`))

type kwokStage struct {
	Name, Operator string
	Delay          time.Duration
}

// kwokSettles is how long kwok has to run before its end is worth a new start: an earlier one is about its configuration.
const kwokSettles = 10 * time.Second

// runKwok keeps kwok running until ctx ends, and fails if it does not get going.
func (n *node) runKwok(ctx context.Context) error {
	dir := filepath.Join(n.Dir, "kwok")
	config, err := n.configureKwok(dir)
	if err != nil {
		return fmt.Errorf("configuring kwok: %w", err)
	}
	logs := filepath.Join(n.Dir, "logs")
	if err := os.MkdirAll(logs, 0o755); err != nil {
		return fmt.Errorf("starting kwok: %w", err)
	}
	for {
		begin := time.Now()
		kwok, err := process.Start(process.Spec{
			Name: "kwok", Path: n.KwokBinary,
			Args: []string{"--kubeconfig", n.Kubeconfig, "--config", config},
			Env:  []string{"HOME=" + dir, "KWOK_WORKDIR=" + dir}, // not the user's own kwok configuration
			Log:  filepath.Join(logs, "kwok.log"),
		})
		if err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			kwok.Stop(3 * time.Second)
			return nil
		case <-kwok.Done():
		}
		if time.Since(begin) < kwokSettles {
			return kwok.Err()
		}
		n.Log.Warn("starting kwok again", "reason", kwok.Err())
		if err := n.freeLease(ctx); err != nil {
			return fmt.Errorf("freeing the node's lease for a new kwok: %w", err)
		}
	}
}

func (n *node) configureKwok(dir string) (string, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	certificate, key := filepath.Join(dir, "kubelet.crt"), filepath.Join(dir, "kubelet.key")
	if err := writeServingCertificate(certificate, key, kubeletAddress(n.Instance)); err != nil {
		return "", err
	}
	path := filepath.Join(dir, "kwok.yaml")
	file, err := os.Create(path)
	if err != nil {
		return "", err
	}
	defer file.Close()
	return path, kwokConfig.Execute(file, map[string]any{
		"Name": Name, "Address": kubeletAddress(n.Instance), "Port": kubeletPort,
		"Certificate": certificate, "Key": key,
		"Stages": []kwokStage{
			{Name: "initialize", Operator: "NotIn"},
			{Name: "heartbeat", Operator: "In", Delay: 5 * time.Minute}, // a kubelet's, where there is a lease
		},
	})
}
