package node

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strconv"
	"sync"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/cache"

	"lockstep/sandbox/simulate"
)

// balancer is the sandbox's load balancer: each Service of that type, if it asks for no class, gets 10.S.255.n, and the
// host listens on 127.S.255.n for its ports as far as it may.
type balancer struct {
	node      *node
	due       chan struct{}
	addresses map[types.UID]netip.Addr
	listeners map[frontend]net.Listener
	refused   map[frontend]bool // logged once
}

// A frontend is where the balancer listens for one port of a Service.
type frontend struct {
	namespace, service string
	address            netip.AddrPort
}

func newBalancer(n *node, services cache.SharedIndexInformer) *balancer {
	b := &balancer{
		node:      n,
		due:       make(chan struct{}, 1),
		addresses: map[types.UID]netip.Addr{},
		listeners: map[frontend]net.Listener{},
		refused:   map[frontend]bool{},
	}
	changed := func() {
		select {
		case b.due <- struct{}{}:
		default:
		}
	}
	_, _ = services.AddEventHandler(cache.ResourceEventHandlerFuncs{ // fails only for an informer that was stopped
		AddFunc:    func(any) { changed() },
		UpdateFunc: func(_, _ any) { changed() },
		DeleteFunc: func(any) { changed() },
	})
	return b
}

// run keeps addresses and listeners as the Services are, until ctx ends.
func (b *balancer) run(ctx context.Context) error {
	defer func() {
		for _, listener := range b.listeners {
			listener.Close()
		}
	}()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-b.due:
			if err := b.reconcile(ctx); err != nil && ctx.Err() == nil {
				b.node.Log.Error("balancing load", "error", err)
			}
		}
	}
}

func (b *balancer) reconcile(ctx context.Context) error {
	all, err := b.node.index.Services.List(labels.Everything())
	if err != nil {
		return err
	}
	wanted := map[types.UID]*corev1.Service{}
	for _, service := range all {
		if service.Spec.Type == corev1.ServiceTypeLoadBalancer && service.Spec.LoadBalancerClass == nil {
			wanted[service.UID] = service
			b.adopt(service)
		}
	}
	for uid := range b.addresses {
		if wanted[uid] == nil {
			delete(b.addresses, uid)
		}
	}
	frontends := map[frontend]bool{}
	for _, service := range wanted {
		if err := b.assign(ctx, service); err != nil {
			return err
		}
		for _, port := range service.Spec.Ports {
			address := simulate.OnHost(b.addresses[service.UID], b.node.Instance)
			frontends[frontend{service.Namespace, service.Name, netip.AddrPortFrom(address, uint16(port.Port))}] = true
		}
	}
	b.listen(ctx, frontends)
	return nil
}

// adopt takes up an address that a Service already has from before the node was restarted.
func (b *balancer) adopt(service *corev1.Service) {
	for _, ingress := range service.Status.LoadBalancer.Ingress {
		if address, err := netip.ParseAddr(ingress.IP); err == nil && !b.addresses[service.UID].IsValid() {
			b.addresses[service.UID] = address
		}
	}
}

// assign gives a Service its address and says so in its status.
func (b *balancer) assign(ctx context.Context, service *corev1.Service) error {
	if !b.addresses[service.UID].IsValid() {
		address, err := b.free()
		if err != nil {
			return err
		}
		b.addresses[service.UID] = address
	}
	changed := service.DeepCopy()
	changed.Status.LoadBalancer.Ingress = []corev1.LoadBalancerIngress{{
		IP: b.addresses[service.UID].String(), IPMode: new(corev1.LoadBalancerIPModeVIP),
	}}
	if equality.Semantic.DeepEqual(changed.Status, service.Status) {
		return nil
	}
	_, err := b.node.client.CoreV1().Services(service.Namespace).UpdateStatus(ctx, changed, metav1.UpdateOptions{})
	if apierrors.IsConflict(err) || apierrors.IsNotFound(err) {
		return nil // its next event brings it here again
	}
	if err != nil {
		return fmt.Errorf("writing load balancer status of %s/%s: %w", service.Namespace, service.Name, err)
	}
	return nil
}

func (b *balancer) free() (netip.Addr, error) {
	used := map[netip.Addr]bool{}
	for _, address := range b.addresses {
		used[address] = true
	}
	for last := 1; last < 255; last++ {
		address := netip.AddrFrom4([4]byte{10, byte(b.node.Instance), 255, byte(last)})
		if !used[address] {
			return address, nil
		}
	}
	return netip.Addr{}, fmt.Errorf("no load balancer address is left in 10.%d.255.0", b.node.Instance)
}

// listen opens and closes listeners until they are those of the frontends.
func (b *balancer) listen(ctx context.Context, frontends map[frontend]bool) {
	for at, listener := range b.listeners {
		if !frontends[at] {
			listener.Close()
			delete(b.listeners, at)
		}
	}
	for at := range frontends {
		if b.listeners[at] != nil {
			continue
		}
		listener, err := net.Listen("tcp", at.address.String())
		if err != nil {
			if !b.refused[at] {
				b.node.Log.Warn("load balancer does not listen; its pods can be reached by port-forward", "service", at.namespace+"/"+at.service, "error", err)
			}
			b.refused[at] = true
			continue
		}
		b.listeners[at] = listener
		go b.accept(ctx, at, listener)
	}
}

// accept forwards connections until the listener is closed.
func (b *balancer) accept(ctx context.Context, at frontend, listener net.Listener) {
	for {
		client, err := listener.Accept()
		if err != nil {
			return
		}
		go b.forward(ctx, at, client)
	}
}

// forward joins a connection with one to a ready pod, or drops it if there is none.
func (b *balancer) forward(ctx context.Context, at frontend, client net.Conn) {
	defer client.Close()
	backends, _ := b.node.index.Backends(at.namespace, at.service, strconv.Itoa(int(at.address.Port())))
	for _, backend := range backends {
		server, err := new(net.Dialer).DialContext(ctx, "tcp", backend.Address.String())
		if err != nil {
			continue
		}
		defer server.Close()
		defer context.AfterFunc(ctx, func() { client.Close(); server.Close() })()
		join(client, server)
		return
	}
}

// join copies both ways, passing on the end of each side's data.
func join(a, b net.Conn) {
	var both sync.WaitGroup
	for _, way := range [][2]net.Conn{{a, b}, {b, a}} {
		both.Go(func() {
			_, _ = io.Copy(way[0], way[1])
			if half, ok := way[0].(*net.TCPConn); ok {
				_ = half.CloseWrite()
			}
		})
	}
	both.Wait()
}
