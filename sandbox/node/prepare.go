package node

import (
	"context"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"

	"lockstep/sandbox/node/kwok"
	"lockstep/sandbox/node/projection"
)

// setUpVolumes waits for all volumes, and returns false if ctx ended first.
func (p *pod) setUpVolumes(ctx context.Context) bool {
	wait := 500 * time.Millisecond
	for {
		failed := false
		for _, volume := range p.object.Spec.Volumes {
			if err := p.projection().SetUpVolume(ctx, volume, p.volumeDir(volume.Name)); err != nil && ctx.Err() == nil {
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

// projection is what the pod's volumes and environments are made from.
func (p *pod) projection() projection.Pod {
	return projection.Pod{
		Client: p.node.client, Object: p.object, Address: p.address, Node: Name, HostIP: kubeletAddress(p.node.Instance),
	}
}

// announce makes logs, exec and port-forward work.
func (p *pod) announce(ctx context.Context) bool {
	for {
		err := p.grant(ctx)
		if err == nil || ctx.Err() != nil {
			return ctx.Err() == nil
		}
		p.node.Log.Error("announcing pod", "pod", p.name(), "error", err)
		if !sleep(ctx, time.Second) {
			return false
		}
	}
}

// grant tells kwok what the pod is now.
func (p *pod) grant(ctx context.Context) error {
	ports := p.forwardedPorts()
	err := p.node.access.Grant(ctx, p.object, p.loopback(), p.containers(), ports)
	if err == nil {
		p.mu.Lock()
		p.granted = ports
		p.mu.Unlock()
	}
	return err
}

// containers is where kwok finds the files of the pod's containers.
func (p *pod) containers() []kwok.Container {
	var all []kwok.Container
	for _, c := range slices.Concat(p.init, p.main) {
		all = append(all, kwok.Container{Name: c.spec.Name, Root: c.rootDir(), Log: c.logFile(), PreviousLog: c.previousLogFile()})
	}
	return all
}
