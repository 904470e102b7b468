package node

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"

	"lockstep/sandbox/node/image"
	"lockstep/sandbox/node/program"
	"lockstep/sandbox/node/projection"
	"lockstep/sandbox/node/rootfs"
	"lockstep/sandbox/simulate"
)

const (
	// startFailed is the exit code of a container whose process could not be started, as container runtimes give it.
	startFailed = 128
	// configRetry is how often a kubelet looks again for a Secret or ConfigMap that a container's environment needs.
	configRetry = 5 * time.Second
)

// start prepares the container and starts its program, waiting for the Secrets and ConfigMaps its environment needs. ok
// is false if ctx ended first; run is nil if the start failed, which counts as a crash and has been recorded.
func (c *container) start(ctx context.Context, from image.Image) (run *program.Running, log *program.Log, ok bool) {
	var environment map[string]string
	for {
		var err error
		if environment, err = c.pod.projection().Environment(ctx, c.spec, from.Config.Env); err == nil {
			break
		}
		if ctx.Err() != nil {
			return nil, nil, false
		}
		c.event(corev1.EventTypeWarning, "Failed", "Error: %s", err)
		c.wait("CreateContainerConfigError", err.Error())
		if !sleep(ctx, c.pod.node.scaled(configRetry)) {
			return nil, nil, false
		}
	}
	run, log, err := c.create(from, environment)
	if err != nil {
		c.failStart(err)
		return nil, nil, true
	}
	c.event(corev1.EventTypeNormal, "Started", "Started container %s", c.spec.Name)
	c.change(func(status *corev1.ContainerStatus) {
		if status.State.Terminated != nil {
			status.LastTerminationState = status.State
		}
		status.State = corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: seconds(c.startedAt)}}
		status.ContainerID = fmt.Sprintf("sandbox://%s/%s/%d", c.pod.object.UID, c.spec.Name, status.RestartCount)
		started := c.isInit || c.spec.StartupProbe == nil
		status.Started = &started
		status.Ready = !c.isInit && c.spec.StartupProbe == nil && c.spec.ReadinessProbe == nil
	})
	return run, log, true
}

// create lays out the container's files, afresh for each run, and starts its program.
func (c *container) create(from image.Image, environment map[string]string) (*program.Running, *program.Log, error) {
	if err := c.layOutRoot(from, environment); err != nil {
		return nil, nil, err
	}
	c.event(corev1.EventTypeNormal, "Created", "Created container: %s", c.spec.Name)
	log, err := program.OpenLog(c.logFile())
	if err != nil {
		return nil, nil, err
	}
	c.startedAt = time.Now()
	run := c.simulate
	if c.pod.node.real(from) != "" {
		run = c.contain
	}
	running, err := run(from, environment, log)
	if err != nil {
		_ = log.Close()
		return nil, nil, err
	}
	return running, log, nil
}

// simulate starts the program of ours that stands for the image's.
func (c *container) simulate(from image.Image, environment map[string]string, log *program.Log) (*program.Running, error) {
	variables, err := c.variables(from, environment)
	if err != nil {
		return nil, err
	}
	return program.Start(program.Command{Args: []string{c.pod.node.Binary, "simulate", from.Program}, Env: variables}, log)
}

func (c *container) layOutRoot(from image.Image, environment map[string]string) error {
	if err := rootfs.Remove(c.rootDir()); err != nil {
		return fmt.Errorf("removing files of the last run: %w", err)
	}
	if err := os.MkdirAll(c.dir(), 0o755); err != nil {
		return err
	}
	if err := rootfs.Copy(from.Rootfs, c.rootDir()); err != nil {
		return fmt.Errorf("copying files of the image: %w", err)
	}
	volumes, shared := map[string]string{}, map[string]bool{}
	for _, volume := range c.pod.object.Spec.Volumes {
		volumes[volume.Name] = c.pod.volumeDir(volume.Name)
		shared[volume.Name] = volume.EmptyDir != nil
	}
	mounts := c.mounts(environment)
	if c.pod.node.real(from) != "" {
		mounts = slices.DeleteFunc(mounts, c.sharesVolume) // which are bound, because a link would lead out of the root
	}
	return rootfs.Mount(c.rootDir(), volumes, shared, mounts)
}

// variables is the process's environment: the container's, and what package simulate reads.
func (c *container) variables(from image.Image, environment map[string]string) ([]string, error) {
	arguments, err := json.Marshal(commandLine(c.spec, from, environment))
	if err != nil {
		return nil, err
	}
	n, all := c.pod.node, maps.Clone(environment)
	maps.Copy(all, map[string]string{
		simulate.VarRoot:      c.rootDir(),
		simulate.VarPodIP:     c.pod.address.String(),
		simulate.VarListen:    c.pod.loopback().String(),
		simulate.VarDNS:       DNSAddress(n.Instance),
		simulate.VarArgs:      string(arguments),
		simulate.VarBoot:      n.Boot[from.Program].String(),
		simulate.VarFaults:    n.Faults,
		simulate.VarContainer: c.spec.Name,
		simulate.VarPodName:   c.pod.object.Name,
		simulate.VarNamespace: c.pod.object.Namespace,
		"KUBECONFIG":          n.Kubeconfig,
	})
	return assignments(all), nil
}

func assignments(environment map[string]string) []string {
	var all []string
	for _, name := range slices.Sorted(maps.Keys(environment)) {
		all = append(all, name+"="+environment[name])
	}
	return all
}

// commandLine is what a container runtime would run: the pod's command and args over the image's entrypoint and cmd,
// where a command of the pod's also drops the image's cmd.
func commandLine(spec corev1.Container, from image.Image, environment map[string]string) []string {
	command, args := spec.Command, spec.Args
	if len(command) == 0 {
		command = from.Config.Entrypoint
		if len(args) == 0 {
			args = from.Config.Cmd
		}
	}
	line := []string{}
	for _, word := range slices.Concat(command, args) {
		line = append(line, projection.Expand(word, environment))
	}
	return line
}

// failStart records a start that the node could not do, such as a mount that does not fit.
func (c *container) failStart(err error) {
	c.event(corev1.EventTypeWarning, "Failed", "Error: %s", err)
	c.startedAt = time.Now()
	c.change(func(status *corev1.ContainerStatus) {
		status.State = corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{
			ExitCode: startFailed, Reason: "StartError", Message: filepath.ToSlash(err.Error()),
			FinishedAt: seconds(time.Now()),
		}}
		status.Ready = false
	})
}
