// Package admission tells apart what the API server's admission refuses. Its refusals have no codes of their own: quotas, limits and
// policies are all "forbidden", as a missing permission is. Their words tell them apart (plugin/pkg/admission in kubernetes/kubernetes).
package admission

import "strings"

// IsQuota says whether a ResourceQuota refuses.
func IsQuota(message string) bool {
	return strings.Contains(message, "exceeded quota") || strings.Contains(message, "failed quota")
}

// IsLimitRange says whether a LimitRange refuses.
func IsLimitRange(message string) bool {
	for _, sign := range []string{" usage per Container is ", " usage per Pod is ", " max limit to request ratio per "} {
		if strings.Contains(message, sign) {
			return true
		}
	}
	return false
}

// IsPodSecurity says whether the Pod Security level of the namespace refuses.
func IsPodSecurity(message string) bool { return strings.Contains(message, "PodSecurity") }

// IsPolicy says whether a policy of the cluster's owner refuses.
func IsPolicy(message string) bool {
	return strings.Contains(message, "ValidatingAdmissionPolicy") || strings.Contains(message, "admission webhook")
}
