// The module of Envoy Gateway v1.7 holds its chart, with the CRDs of Gateway API and its own.
module lockstep/tools/gateway-1.7

go 1.26.0

require github.com/envoyproxy/gateway v1.7.0
