// Package balancer is the load balancer of the sandbox: it gives Services their addresses and forwards to their pods.
package balancer

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/netip"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"

	"lockstep/sandbox/dns"
)

// Options says for which sandbox a Balancer works.
type Options struct {
	Client kubernetes.Interface
	Index  dns.Index // finds the pods of a Service
	// Range is the network, of 254 addresses, from which Services get theirs.
	Range netip.Prefix
	// Host is where the machine listens for an address; nil if nobody has to, because kube-proxy forwards.
	Host func(netip.Addr) netip.Addr
	Log  *slog.Logger
}

// Balancer is the sandbox's load balancer: each Service of that type, if it asks for no class, gets an address, and the
// host listens for its ports as far as it may.
type Balancer struct {
	Options
	due       chan struct{}
	addresses map[types.UID]netip.Addr
	listeners map[frontend]net.Listener
	refused   map[frontend]bool // logged once
}

// New is a Balancer for the Services that an informer, not yet started, sees.
func New(options Options, services cache.SharedIndexInformer) *Balancer {
	b := &Balancer{
		Options:   options,
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

// Run keeps addresses and listeners as the Services are, until ctx ends.
func (b *Balancer) Run(ctx context.Context) error {
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
				b.Log.Error("balancing load", "error", err)
			}
		}
	}
}

func (b *Balancer) reconcile(ctx context.Context) error {
	all, err := b.Index.Services.List(labels.Everything())
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
			if b.Host != nil {
				frontends[frontend{service.Namespace, service.Name, netip.AddrPortFrom(b.Host(b.addresses[service.UID]), uint16(port.Port))}] = true
			}
		}
	}
	b.listen(ctx, frontends)
	return nil
}

// adopt takes up an address that a Service already has from before the node was restarted.
func (b *Balancer) adopt(service *corev1.Service) {
	for _, ingress := range service.Status.LoadBalancer.Ingress {
		if address, err := netip.ParseAddr(ingress.IP); err == nil && !b.addresses[service.UID].IsValid() {
			b.addresses[service.UID] = address
		}
	}
}

// assign gives a Service its address and says so in its status.
func (b *Balancer) assign(ctx context.Context, service *corev1.Service) error {
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
	_, err := b.Client.CoreV1().Services(service.Namespace).UpdateStatus(ctx, changed, metav1.UpdateOptions{})
	if apierrors.IsConflict(err) || apierrors.IsNotFound(err) {
		return nil // its next event brings it here again
	}
	if err != nil {
		return fmt.Errorf("writing load balancer status of %s/%s: %w", service.Namespace, service.Name, err)
	}
	return nil
}

func (b *Balancer) free() (netip.Addr, error) {
	used := map[netip.Addr]bool{}
	for _, address := range b.addresses {
		used[address] = true
	}
	for address := b.Range.Addr().Next(); b.Range.Contains(address); address = address.Next() {
		if !used[address] {
			return address, nil
		}
	}
	return netip.Addr{}, fmt.Errorf("no load balancer address is left in %s", b.Range)
}
