package node

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// A rejection is why a node refuses a pod that was bound to it.
type rejection struct{ Reason, Message string }

// admit refuses what this node could not do. It has no AppArmor, as many a development cluster; the products' charts ask
// for it by default, and a ReplicaSet then makes one rejected pod after the other.
func admit(object *corev1.Pod) rejection {
	if wantsAppArmor(object) {
		return rejection{Reason: "AppArmor", Message: "Cannot enforce AppArmor: AppArmor is not enabled on the host"}
	}
	return rejection{}
}

func wantsAppArmor(object *corev1.Pod) bool {
	for name, profile := range object.Annotations {
		if strings.HasPrefix(name, corev1.DeprecatedAppArmorBetaContainerAnnotationKeyPrefix) && profile != "unconfined" && profile != "" {
			return true
		}
	}
	if security := object.Spec.SecurityContext; security != nil && confined(security.AppArmorProfile) {
		return true
	}
	for _, c := range slices.Concat(object.Spec.InitContainers, object.Spec.Containers) {
		if c.SecurityContext != nil && confined(c.SecurityContext.AppArmorProfile) {
			return true
		}
	}
	return false
}

func confined(profile *corev1.AppArmorProfile) bool {
	return profile != nil && profile.Type != corev1.AppArmorProfileTypeUnconfined
}
