// Package podnet is the network of a container that has a network namespace of its own. The sandbox's pods are processes on loopback
// addresses, and a real program knows nothing of that: it binds all addresses, and dials pods and Services by the addresses that Kubernetes
// shows. So whatever it sends comes here through a TUN device, is taken apart by a TCP/IP stack in this process, and goes on from the host's
// loopback; and each port that it listens on is a port of the pod's loopback address. Nothing of it takes privileges on the host.
package podnet

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"

	"gvisor.dev/gvisor/pkg/buffer"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/adapters/gonet"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/link/channel"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv4"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"
	"gvisor.dev/gvisor/pkg/tcpip/transport/udp"
	"gvisor.dev/gvisor/pkg/waiter"

	"lockstep/sandbox/dns"
	"lockstep/sandbox/simulate"
)

const (
	// MTU is the size of the packets of the device. Nothing but this process is behind it, so they may be big.
	MTU = 65000
	nic = 1
)

// Options say for which container a network is.
type Options struct {
	Address   netip.Addr // of the pod, 10.S.x.y
	Instance  int        // S
	Index     dns.Index  // finds the pods of Services
	APIServer string     // host:port on this machine
}

// Gateway is what stands at the other end of a pod's device: the source of what comes in from the host.
func Gateway(instance int) netip.Addr {
	return netip.AddrFrom4([4]byte{10, byte(instance), 0, 1})
}

// A Network is the user-space end of a container's device.
type Network struct {
	Options
	stack *stack.Stack
	link  *channel.Endpoint
	tun   *os.File
	ports ports
}

// New serves the device until Close. It takes the device over.
func New(tun *os.File, options Options) (*Network, error) {
	n := &Network{
		Options: options, tun: tun,
		link: channel.New(512, MTU, ""),
		stack: stack.New(stack.Options{
			NetworkProtocols:   []stack.NetworkProtocolFactory{ipv4.NewProtocol},
			TransportProtocols: []stack.TransportProtocolFactory{tcp.NewProtocol, udp.NewProtocol},
		}),
	}
	n.ports.listeners = map[uint16]net.Listener{}
	if err := n.configure(); err != nil {
		n.stack.Destroy()
		return nil, err
	}
	go n.fromDevice()
	go n.toDevice()
	return n, nil
}

func (n *Network) configure() error {
	if err := n.stack.CreateNIC(nic, n.link); err != nil {
		return fmt.Errorf("making a network card: %s", err)
	}
	own := tcpip.ProtocolAddress{
		Protocol:          ipv4.ProtocolNumber,
		AddressWithPrefix: tcpip.AddrFrom4(Gateway(n.Instance).As4()).WithPrefix(),
	}
	if err := n.stack.AddProtocolAddress(nic, own, stack.AddressProperties{}); err != nil {
		return fmt.Errorf("giving the network card an address: %s", err)
	}
	// It answers for every address that the container asks for.
	n.stack.SetPromiscuousMode(nic, true)
	n.stack.SetSpoofing(nic, true)
	n.stack.SetRouteTable([]tcpip.Route{{Destination: header.IPv4EmptySubnet, NIC: nic}})
	const mostInFlight = 1024
	n.stack.SetTransportProtocolHandler(tcp.ProtocolNumber, tcp.NewForwarder(n.stack, 0, mostInFlight, n.connect).HandlePacket)
	n.stack.SetTransportProtocolHandler(udp.ProtocolNumber, udp.NewForwarder(n.stack, n.packet).HandlePacket)
	return nil
}

// Close ends the network and all connections through it.
func (n *Network) Close() {
	n.ports.close()
	_ = n.tun.Close()
	n.link.Close()
	n.stack.Destroy()
}

// fromDevice takes in what the container sends, until the device is closed or its namespace has gone.
func (n *Network) fromDevice() {
	packet := make([]byte, MTU+100)
	for {
		size, err := n.tun.Read(packet)
		if err != nil {
			return
		}
		if size == 0 || packet[0]>>4 != header.IPv4Version {
			continue // IPv6 looks for neighbours, and there are none
		}
		buffer := stack.NewPacketBuffer(stack.PacketBufferOptions{Payload: buffer.MakeWithData(append([]byte(nil), packet[:size]...))})
		n.link.InjectInbound(ipv4.ProtocolNumber, buffer)
		buffer.DecRef()
	}
}

// toDevice gives out what the container receives, until Close.
func (n *Network) toDevice() {
	for {
		packet := n.link.ReadContext(context.Background())
		if packet == nil {
			return
		}
		view := packet.ToView()
		_, _ = n.tun.Write(view.AsSlice()) // a full device drops packets, as any network does
		view.Release()
		packet.DecRef()
	}
}

// connect joins a connection of the container with one from the host, or refuses it as whoever is asked for does.
func (n *Network) connect(request *tcp.ForwarderRequest) {
	id := request.ID()
	to := netip.AddrPortFrom(netip.AddrFrom4(id.LocalAddress.As4()), id.LocalPort)
	server := n.dial(to)
	if server == nil {
		request.Complete(true)
		return
	}
	defer server.Close()
	var queue waiter.Queue
	endpoint, err := request.CreateEndpoint(&queue)
	request.Complete(err != nil)
	if err != nil {
		return
	}
	client := gonet.NewTCPConn(&queue, endpoint)
	defer client.Close()
	join(client, server)
}

// dial connects to what an address of the cluster stands for; nil if nobody answers.
func (n *Network) dial(to netip.AddrPort) net.Conn {
	for _, target := range n.targets(to) {
		if server, err := net.Dial("tcp", target); err == nil {
			return server
		}
	}
	return nil
}

// targets are the host's addresses for a pod, a load balancer, a Service or the API server.
func (n *Network) targets(to netip.AddrPort) []string {
	if onHost, ok := simulate.ServiceInPod(to.Addr()); ok {
		if onHost == apiService {
			return []string{n.APIServer}
		}
		var all []string
		for _, backend := range n.Index.BackendsAt(netip.AddrPortFrom(onHost, to.Port())) {
			all = append(all, backend.Address.String())
		}
		return all
	}
	return []string{simulate.PodOnHost(to, n.Instance).String()}
}

// dialIn connects to a port of the container.
func (n *Network) dialIn(ctx context.Context, port uint16) (net.Conn, error) {
	to := tcpip.FullAddress{NIC: nic, Addr: tcpip.AddrFrom4(n.Address.As4()), Port: port}
	return gonet.DialContextTCP(ctx, n.stack, to, ipv4.ProtocolNumber)
}
