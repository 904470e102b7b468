// The module of Envoy Gateway v1.8 holds its chart, with the CRDs of Gateway API and its own. Nothing is built of it.
module lockstep/tools/gateway-1.8

go 1.26.6

require github.com/envoyproxy/gateway v1.8.0
