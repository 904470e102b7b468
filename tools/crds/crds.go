//go:build tools

// Package crds pins the module whose files are the CRDs of Gateway API and of Envoy Gateway; nothing of it is compiled.
package crds

import _ "github.com/envoyproxy/gateway"
