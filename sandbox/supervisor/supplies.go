package supervisor

import (
	"context"
	"fmt"
	"maps"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"time"

	"lockstep/sandbox/charts"
	"lockstep/sandbox/fault"
	"lockstep/sandbox/images"
	"lockstep/sandbox/realnode"
	"lockstep/sandbox/registry"
)

// The gateway charts are Envoy Gateway's own: their folders below the programs, one for each release, and their repository, which has the
// same path on Docker Hub.
const (
	gatewayFolders = "charts/gateway-helm-*"
	gatewayChart   = "envoyproxy/gateway-helm"
)

// supplies are what the sandbox serves besides images: chart archives by chart name, and the gateway charts.
type supplies struct {
	archives [][]byte
	gateways [][]byte
}

// openSupplies loads the charts and starts the registry and the repositories. What the registry holds comes later, by
// stock.
func (u *supervisor) openSupplies() (supplies, error) {
	s, err := u.loadCharts()
	if err != nil {
		return s, err
	}
	requests, err := openLog(registry.LogFile(u.Dir))
	if err != nil {
		return s, err
	}
	oci, err := registry.Handler(filepath.Join(u.Dir, "registry"), requests, fault.File(u.Dir))
	if err != nil {
		return s, err
	}
	repositories, err := u.repositories(s.archives)
	if err != nil {
		return s, err
	}
	repositories = fault.Handler(fault.File(u.Dir), fault.Repositories, repositories)
	address, err := u.serve("the registry", oci)
	if err != nil {
		return s, err
	}
	files, err := u.serve("the repositories", repositories)
	if err != nil {
		return s, err
	}
	u.update(func(st *State) { st.Registry, st.Repository = address.String(), "http://"+files.String() })
	return s, nil
}

func (u *supervisor) repositories(archives [][]byte) (http.Handler, error) {
	chartRepository, err := registry.Charts(archives)
	if err != nil {
		return nil, err
	}
	maven, err := registry.Maven()
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("/charts/", http.StripPrefix("/charts", chartRepository))
	mux.Handle("/nexus/", maven)
	return mux, nil
}

// serve answers HTTP on a port of this sandbox until the process ends.
func (u *supervisor) serve(part string, h http.Handler) (net.Addr, error) {
	u.ports.Lock()
	l, err := u.in.listen()
	u.ports.Unlock()
	if err != nil {
		return nil, err
	}
	server := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
	go func() { u.lose(lost(part, server.Serve(l))) }()
	return l.Addr(), nil
}

// loadCharts returns the sandbox's own charts and the gateway charts, with those that the settings give instead.
func (u *supervisor) loadCharts() (supplies, error) {
	own, err := charts.Archives()
	if err != nil {
		return supplies{}, err
	}
	var s supplies
	for _, file := range slices.Sorted(maps.Keys(own)) {
		chart, err := registry.ReadChart(own[file])
		if err != nil {
			return s, err
		}
		if _, replaced := u.Charts[fmt.Sprint(chart["name"])]; !replaced {
			s.archives = append(s.archives, own[file])
		}
	}
	for _, name := range slices.Sorted(maps.Keys(u.Charts)) {
		archive, err := registry.Pack(u.Charts[name])
		if err != nil {
			return s, fmt.Errorf("reading --charts %s: %w", name, err)
		}
		if name == filepath.Base(gatewayChart) {
			s.gateways = [][]byte{archive}
			continue
		}
		s.archives = append(s.archives, archive)
	}
	if s.gateways == nil {
		s.gateways, err = gateways(u.Bin)
	}
	return s, err
}

func gateways(bin string) (archives [][]byte, err error) {
	folders, _ := filepath.Glob(filepath.Join(bin, gatewayFolders)) // up looked whether there are any
	for _, folder := range folders {
		archive, err := registry.Pack(folder)
		if err != nil {
			return nil, fmt.Errorf("%w; run `make tools`", err)
		}
		archives = append(archives, archive)
	}
	return archives, nil
}

// pushImages pushes images with what this sandbox's node needs in them.
func (u *supervisor) pushImages(ctx context.Context, host string) error {
	if !u.RealNode {
		return images.Push(ctx, host)
	}
	busybox, bash, err := realnode.Shell()
	if err != nil {
		return err
	}
	return images.PushReal(ctx, host, images.Programs{Bin: u.Bin, Sandbox: u.Self, Busybox: busybox, Bash: bash, Pause: realnode.PauseImage, Boot: u.boot()})
}

// stock fills the registry.
func (u *supervisor) stock(ctx context.Context, s supplies) error {
	host := u.current().Registry
	if err := u.pushImages(ctx, host); err != nil {
		return err
	}
	for _, chart := range s.gateways {
		if err := registry.PushChart(ctx, host+"/"+gatewayChart, chart); err != nil {
			return err
		}
	}
	state := u.current()
	u.progress("registry at %s, charts and artifacts at %s", state.Registry, state.Repository)
	return nil
}
