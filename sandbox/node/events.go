package node

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/scheme"
	clientcorev1 "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/tools/record"
)

// newRecorder records events as a kubelet does, with its counting and its limits.
func newRecorder(client kubernetes.Interface) (record.EventRecorder, func()) {
	broadcaster := record.NewBroadcaster()
	broadcaster.StartRecordingToSink(&clientcorev1.EventSinkImpl{Interface: client.CoreV1().Events("")})
	source := corev1.EventSource{Component: "kubelet", Host: Name}
	return broadcaster.NewRecorder(scheme.Scheme, source), broadcaster.Shutdown
}

func (p *pod) event(eventType, reason, format string, args ...any) {
	p.node.events.Eventf(p.object, eventType, reason, format, args...)
}

// event is about one container, which a kubelet names in the event's field path.
func (c *container) event(eventType, reason, format string, args ...any) {
	list := "containers"
	if c.isInit {
		list = "initContainers"
	}
	about := &corev1.ObjectReference{
		APIVersion: "v1", Kind: "Pod",
		Namespace: c.pod.object.Namespace, Name: c.pod.object.Name, UID: c.pod.object.UID,
		ResourceVersion: c.pod.object.ResourceVersion,
		FieldPath:       fmt.Sprintf("spec.%s{%s}", list, c.spec.Name),
	}
	c.pod.node.events.Eventf(about, eventType, reason, format, args...)
}
