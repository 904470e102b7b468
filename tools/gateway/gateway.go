//go:build tools

// Package gateway pins the module that holds the chart of Envoy Gateway, with the CRDs of Gateway API and its own; nothing of it is compiled.
package gateway

import _ "github.com/envoyproxy/gateway"
