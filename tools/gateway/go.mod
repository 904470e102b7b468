module lockstep/tools/gateway

go 1.26.0

require github.com/envoyproxy/gateway v1.7.0
