// The module of Envoy Gateway v1.9 holds its chart, with the CRDs of Gateway API and its own.
module lockstep/tools/gateway-1.9

go 1.26.0

require github.com/envoyproxy/gateway v1.9.0
