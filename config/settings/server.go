package settings

import (
	"fmt"
	"net"
	"strconv"

	"lockstep/config"
)

// Server is where one of the service's HTTP servers answers, and whom.
type Server struct {
	// Address to listen on.
	Address string `mapstructure:"address"`
	// AccessFile says who may do what. Without one nobody may.
	AccessFile string `mapstructure:"accessFile"`
	// Anonymous lets everybody who reaches the address do everything. The address must then be one of this machine alone.
	Anonymous bool `mapstructure:"anonymous"`
	// TLSCert is a certificate chain and TLSKey its key, in PEM. Empty (default): no TLS.
	TLSCert string `mapstructure:"tlsCert"`
	TLSKey  string `mapstructure:"tlsKey"`
}

// Loopback says whether only programs of this machine reach the address.
func (s Server) Loopback() bool {
	host, _, _ := net.SplitHostPort(s.Address)
	return host == "localhost" || net.ParseIP(host).IsLoopback()
}

// check looks at the server whose settings are below key; port is for the example.
func (s Server) check(key string, port int) (found config.Problems) {
	found = append(found, checkAddress(key+".address", s.Address, port)...)
	if s.Anonymous && s.AccessFile != "" {
		found.Add(key+".anonymous", "true", "does not go with "+key+".accessFile", "remove one of the two")
	}
	if s.Anonymous && !s.Loopback() {
		found.Add(key+".anonymous", "true", fmt.Sprintf("lets everybody in, and %s.address %q is reachable from other machines", key, s.Address),
			fmt.Sprintf("write %s.address: 127.0.0.1:%d, or set %s.accessFile and remove %s.anonymous", key, port, key, key))
	}
	if (s.TLSCert == "") != (s.TLSKey == "") {
		given, missing := ".tlsCert", ".tlsKey"
		if s.TLSCert == "" {
			given, missing = missing, given
		}
		found.Add(key+missing, "", "is missing, but "+key+given+" is set", "set both, or remove both")
	}
	return found
}

// checkAddress wants an address to listen on; port is for the example.
func checkAddress(key, address string, port int) (found config.Problems) {
	_, text, err := net.SplitHostPort(address)
	if err == nil {
		_, err = strconv.ParseUint(text, 10, 16)
	}
	if err != nil {
		found.Add(key, address, "is not an address with a port", fmt.Sprintf("write it as :%d or 127.0.0.1:%d", port, port))
	}
	return found
}
