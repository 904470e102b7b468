package cluster

import "strings"

// What the API server's admission refuses has no codes of its own: quotas, limits and policies are all "forbidden", as a
// missing permission is. Their words tell them apart (plugin/pkg/admission in kubernetes/kubernetes).

func isQuota(message string) bool {
	return strings.Contains(message, "exceeded quota") || strings.Contains(message, "failed quota")
}

func isLimitRange(message string) bool {
	for _, sign := range []string{" usage per Container is ", " usage per Pod is ", " max limit to request ratio per "} {
		if strings.Contains(message, sign) {
			return true
		}
	}
	return false
}

func isPolicy(message string) bool {
	return strings.Contains(message, "ValidatingAdmissionPolicy") || strings.Contains(message, "admission webhook")
}
