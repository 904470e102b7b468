package gateway

import "strings"

// SupportedKubernetes gives the Kubernetes versions that a version of the gateway chart is made for, both included, as
// "1.32". known is false for versions without an entry in Envoy Gateway's compatibility matrix
// (gateway.envoyproxy.io/news/releases/matrix).
func SupportedKubernetes(chartVersion string) (lowest, highest string, known bool) {
	parts := strings.SplitN(strings.TrimPrefix(chartVersion, "v"), ".", 3)
	if len(parts) < 2 || parts[0] != "1" {
		return "", "", false
	}
	switch parts[1] {
	case "7":
		return "1.32", "1.35", true
	case "4", "5", "6":
		return "1.30", "1.33", true
	}
	return "", "", false
}
