package node

import (
	"context"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// setUpVolumes waits for all volumes, and returns false if ctx ended first.
func (p *pod) setUpVolumes(ctx context.Context) bool {
	wait := 500 * time.Millisecond
	for {
		failed := false
		for _, volume := range p.object.Spec.Volumes {
			if err := p.setUpVolume(ctx, volume, p.volumeDir(volume.Name)); err != nil && ctx.Err() == nil {
				failed = true
				p.event(corev1.EventTypeWarning, "FailedMount", "MountVolume.SetUp failed for volume %q : %s", volume.Name, err)
			}
		}
		if !failed {
			return ctx.Err() == nil
		}
		if !sleep(ctx, p.node.scaled(wait)) {
			return false
		}
		wait = min(2*wait, 8*time.Second)
	}
}

// announce makes logs, exec and port-forward work.
func (p *pod) announce(ctx context.Context) bool {
	for {
		err := p.node.access.grant(ctx, p, p.forwardedPorts())
		if err == nil || ctx.Err() != nil {
			return ctx.Err() == nil
		}
		p.node.Log.Error("announcing pod", "pod", p.name(), "error", err)
		if !sleep(ctx, time.Second) {
			return false
		}
	}
}
