package config

import (
	"errors"
	"fmt"
	"net"
)

// API is the REST API that `lockstep serve` answers.
type API struct {
	// Address to listen on. Default 127.0.0.1:8088.
	Address string `mapstructure:"address"`
	// AccessFile says who may do what. Without one nobody may.
	AccessFile string `mapstructure:"accessFile"`
	// Anonymous lets anybody do everything who can reach the address, which has to be of this machine alone.
	Anonymous bool `mapstructure:"anonymous"`
	// TLSCert is a certificate chain and TLSKey its key, in PEM. Empty (default): no TLS.
	TLSCert string `mapstructure:"tlsCert"`
	TLSKey  string `mapstructure:"tlsKey"`
}

// Loopback says whether only programs of this machine reach the address.
func (a API) Loopback() bool {
	host, _, _ := net.SplitHostPort(a.Address)
	return host == "localhost" || net.ParseIP(host).IsLoopback()
}

func (a API) check() error {
	all := []error{checkAddress("api.address", a.Address, 8088)}
	if a.Anonymous && a.AccessFile != "" {
		all = append(all, errors.New("api.anonymous is true and there is an api.accessFile: leave one of them out"))
	}
	if a.Anonymous && !a.Loopback() {
		all = append(all, fmt.Errorf("api.anonymous is true, and others than this machine may reach api.address %q: write it as 127.0.0.1:8088, "+
			"or set api.accessFile instead", a.Address))
	}
	if (a.TLSCert == "") != (a.TLSKey == "") {
		all = append(all, errors.New("api.tlsCert and api.tlsKey belong together: set both, or leave both out"))
	}
	return errors.Join(all...)
}
