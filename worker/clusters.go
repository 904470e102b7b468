package main

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"lockstep/config"
	"lockstep/config/clusters"
	"lockstep/internal/cluster"
)

const (
	// reachTimeout bounds one look at a cluster.
	reachTimeout = 10 * time.Second
	// lookEvery is how often a worker looks whether its clusters can be reached.
	lookEvery = 30 * time.Second
)

// seen is what a worker has seen of its clusters.
type seen struct {
	mu   sync.Mutex
	last map[config.ClusterName]string
}

// now keeps what was seen, and says whether that is news.
func (s *seen) now(name config.ClusterName, text string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.last == nil {
		s.last = map[config.ClusterName]string{}
	}
	news := s.last[name] != text
	s.last[name] = text
	return news
}

// of is what was seen of a cluster.
func (s *seen) of(name config.ClusterName) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.last[name] == "" {
		return "not looked at yet"
	}
	return s.last[name]
}

// served are the clusters that the worker serves.
func (s *service) served() (all []clusters.Cluster) {
	for _, queue := range s.queues {
		all = append(all, clusters.Served{Names: s.settings.Serves, Queue: queue}.On(s.clusters)...)
	}
	return all
}

// watchClusters looks again and again whether the clusters can be reached, and logs what has changed. One that cannot keeps nobody from
// working: its operations fail and say why.
func (s *service) watchClusters(ctx context.Context) {
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	for {
		for _, c := range s.served() {
			go s.lookAt(ctx, c)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

func (s *service) lookAt(ctx context.Context, c clusters.Cluster) {
	ctx, cancel := context.WithTimeout(ctx, reachTimeout)
	defer cancel()
	version, err := versionOf(ctx, c)
	logger := s.logger.With("cluster", string(c.Name), "taskQueue", c.TaskQueue)
	switch {
	case err != nil && s.seen.now(c.Name, "not reachable: "+err.Error()):
		logger.Warn("Cluster cannot be reached: its operations fail until it can", "error", err)
	case err == nil && s.seen.now(c.Name, "Kubernetes "+version):
		logger.Info("Cluster can be reached", "kubernetes", version)
	}
}

func versionOf(ctx context.Context, c clusters.Cluster) (string, error) {
	client, err := cluster.New(cluster.Reach{Kubeconfig: c.Kubeconfig, Context: c.Context})
	if err != nil {
		return "", err
	}
	version, err := client.Version(ctx)
	return version.Git, err
}

// describeClusters is a line for each cluster.
func (s *service) describeClusters() string {
	var text strings.Builder
	for _, c := range s.served() {
		fmt.Fprintf(&text, "cluster %s on task queue %s: %s\n", c.Name, c.TaskQueue, strings.ReplaceAll(s.seen.of(c.Name), "\n", " "))
	}
	return text.String()
}
