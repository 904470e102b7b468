// Package kwok runs kwok, which gives the sandbox node its heartbeats, its lease and the kubelet's server, and tells it how
// to reach each pod.
package kwok

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"text/template"
	"time"

	"lockstep/sandbox/process"
)

// Options says which node kwok serves, and with what.
type Options struct {
	Dir        string // kwok's configuration
	LogDir     string // its log
	Binary     string
	Kubeconfig string
	Node       string // the node's name
	Address    string // of the kubelet's server
	Port       int
	Log        *slog.Logger

	// FreeLease removes the lease of a kwok that has ended, so that its successor need not wait.
	FreeLease func(context.Context) error
}

// configuration gives kwok this one node, and stages for nodes alone: without a stage for pods kwok never touches one, so
// their statuses are package node's. The format is kwok's, https://kwok.sigs.k8s.io/docs/user/configuration/.
var configuration = template.Must(template.New("kwok").Delims("[[", "]]").Parse(`apiVersion: config.kwok.x-k8s.io/v1alpha1
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

type stage struct {
	Name, Operator string
	Delay          time.Duration
}

// settles is how long kwok has to run before its end is worth a new start: an earlier one is about its configuration.
const settles = 10 * time.Second

// Run keeps kwok running until ctx ends, and fails if it does not get going.
func Run(ctx context.Context, o Options) error {
	config, err := o.configure()
	if err != nil {
		return fmt.Errorf("configuring kwok: %w", err)
	}
	if err := os.MkdirAll(o.LogDir, 0o755); err != nil {
		return fmt.Errorf("starting kwok: %w", err)
	}
	for {
		begin := time.Now()
		kwok, err := process.Start(process.Spec{
			Name: "kwok", Path: o.Binary,
			Args: []string{"--kubeconfig", o.Kubeconfig, "--config", config},
			Env:  []string{"HOME=" + o.Dir, "KWOK_WORKDIR=" + o.Dir}, // not the user's own kwok configuration
			Log:  filepath.Join(o.LogDir, "kwok.log"),
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
		if time.Since(begin) < settles {
			return kwok.Err()
		}
		o.Log.Warn("starting kwok again", "reason", kwok.Err())
		if err := o.FreeLease(ctx); err != nil {
			return fmt.Errorf("freeing the node's lease for a new kwok: %w", err)
		}
	}
}

func (o Options) configure() (string, error) {
	if err := os.MkdirAll(o.Dir, 0o755); err != nil {
		return "", err
	}
	certificate, key := filepath.Join(o.Dir, "kubelet.crt"), filepath.Join(o.Dir, "kubelet.key")
	if err := writeServingCertificate(certificate, key, o.Node, o.Address); err != nil {
		return "", err
	}
	path := filepath.Join(o.Dir, "kwok.yaml")
	file, err := os.Create(path)
	if err != nil {
		return "", err
	}
	defer file.Close()
	return path, configuration.Execute(file, map[string]any{
		"Name": o.Node, "Address": o.Address, "Port": o.Port,
		"Certificate": certificate, "Key": key,
		"Stages": []stage{
			{Name: "initialize", Operator: "NotIn"},
			{Name: "heartbeat", Operator: "In", Delay: 5 * time.Minute}, // a kubelet's, where there is a lease
		},
	})
}
