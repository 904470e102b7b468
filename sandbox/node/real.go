package node

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"lockstep/sandbox/node/contain"
	"lockstep/sandbox/node/image"
	"lockstep/sandbox/node/podnet"
	"lockstep/sandbox/node/program"
	"lockstep/sandbox/node/projection"
)

// programs is where images have the programs that the node can run for real.
const programs = "/usr/local/bin"

// real is the file of the image's real program, "" if a simulated one stands for it: a real program works with real ones alone.
func (n *node) real(from image.Image) string {
	files := strings.Fields(from.Real)
	if n.Real == "" || len(files) == 0 {
		return ""
	}
	for _, file := range files {
		if _, err := os.Stat(filepath.Join(n.Real, file)); err != nil {
			return ""
		}
	}
	return filepath.Join(n.Real, files[0])
}

// contain starts the image's real program in namespaces of its own, and joins its network to the sandbox's.
func (c *container) contain(from image.Image, environment map[string]string, log *program.Log) (*program.Running, error) {
	n := c.pod.node
	arguments := commandLine(c.spec, from, environment)
	if len(arguments) == 0 || path.Base(arguments[0]) != from.Program {
		return nil, fmt.Errorf("exec: %q: executable file not found in $PATH", arguments)
	}
	if err := c.writeResolver(); err != nil {
		return nil, err
	}
	environment["KUBERNETES_SERVICE_HOST"], environment["KUBERNETES_SERVICE_PORT"] = podnet.APIService.String(), "443"
	if environment["PATH"] == "" {
		environment["PATH"] = programs
	}
	running, device, err := contain.Start(n.Binary, contain.Container{
		Root: c.rootDir(), Program: n.real(from), At: path.Join(programs, from.Program),
		Args: arguments, Env: assignments(environment), Address: c.pod.address, Host: c.pod.object.Name, Binds: c.binds(environment),
	}, log)
	if err != nil {
		return nil, err
	}
	server, err := url.Parse(n.apiServer)
	if err == nil {
		err = c.connect(running, device, server.Host)
	}
	if err != nil {
		running.Stop(0)
		return nil, err
	}
	return running, nil
}

// connect serves the container's network until its program ends.
func (c *container) connect(running *program.Running, device *os.File, apiServer string) error {
	n := c.pod.node
	network, err := podnet.New(device, podnet.Options{Address: c.pod.address, Instance: n.Instance, Index: n.index, APIServer: apiServer})
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(context.Background())
	go network.Follow(ctx, running.PID(), func(port uint16, err error) {
		if err == nil {
			err = c.pod.open(ctx, port)
		}
		if err != nil && ctx.Err() == nil {
			n.Log.Warn("a port of a pod cannot be reached", "pod", c.pod.name(), "container", c.spec.Name, "error", err)
		}
	})
	go func() {
		<-running.Done()
		stop()
		network.Close()
	}()
	return nil
}

// open has a port forwarded that nothing in the cluster named when the pod began: a real program may open any.
func (p *pod) open(ctx context.Context, port uint16) error {
	p.mu.Lock()
	forwarded := slices.Contains(p.granted, int32(port))
	p.opened = append(p.opened, int32(port))
	p.mu.Unlock()
	if forwarded {
		return nil
	}
	return p.grant(ctx)
}

// binds are the container's mounts of directories that it shares with others of the pod.
func (c *container) binds(environment map[string]string) []contain.Bind {
	var all []contain.Bind
	for _, mount := range c.mounts(environment) {
		if c.sharesVolume(mount) {
			all = append(all, contain.Bind{From: filepath.Join(c.pod.volumeDir(mount.Name), filepath.Clean("/"+mount.SubPath)), To: mount.MountPath})
		}
	}
	return all
}

func (c *container) sharesVolume(mount corev1.VolumeMount) bool {
	return slices.ContainsFunc(c.pod.object.Spec.Volumes, func(v corev1.Volume) bool { return v.Name == mount.Name && v.EmptyDir != nil })
}

// mounts are the container's, with their paths as they come out.
func (c *container) mounts(environment map[string]string) []corev1.VolumeMount {
	mounts := slices.Clone(c.spec.VolumeMounts)
	for i := range mounts {
		if mounts[i].SubPathExpr != "" {
			mounts[i].SubPath = projection.Expand(mounts[i].SubPathExpr, environment)
		}
	}
	return mounts
}

// writeResolver writes the files by which a program resolves names, as a kubelet does.
func (c *container) writeResolver() error {
	etc := filepath.Join(c.rootDir(), "etc")
	if err := os.MkdirAll(etc, 0o755); err != nil {
		return err
	}
	resolver := fmt.Sprintf("search %s.svc.cluster.local svc.cluster.local cluster.local\nnameserver %s\noptions ndots:5\n", c.pod.object.Namespace, podnet.Nameserver)
	if err := os.WriteFile(filepath.Join(etc, "resolv.conf"), []byte(resolver), 0o644); err != nil {
		return err
	}
	hosts := fmt.Sprintf("127.0.0.1 localhost\n%s %s\n", c.pod.address, c.pod.object.Name)
	return os.WriteFile(filepath.Join(etc, "hosts"), []byte(hosts), 0o644)
}
