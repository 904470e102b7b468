// Package apim is what Lockstep knows of WSO2 API Manager: the values of its chart, and the calls to its REST APIs.
package apim

import (
	"context"
	"net/http"
	"sync"

	"lockstep/internal/keystore"
	"lockstep/internal/rest"
)

// Client speaks to API Manager's REST APIs as the super admin. It registers itself and gets a token when it is first needed.
type Client struct {
	rest               rest.Client
	username, password string
	clientName         string
	clients            ClientRemover

	mu    sync.Mutex
	token string
}

// Options say where API Manager is and as whom to speak to it.
type Options struct {
	Base               string // as https://apim-wso2am-all-in-one-am-service:9443
	HTTP               *http.Client
	Username, Password string
	// ClientName of Lockstep's own OAuth client; registering it again gives the same client. Letters, digits, space, ._- only.
	ClientName string
	// Clients is the key manager's side of applications that are deleted. May be nil.
	Clients ClientRemover
}

// ClientRemover removes OAuth clients by name; one that is not there is fine.
type ClientRemover interface {
	RemoveClient(ctx context.Context, name string) error
}

// New makes a client; nothing is connected to before the first call.
func New(o Options) *Client {
	return &Client{
		rest:     rest.Client{Base: o.Base, HTTP: o.HTTP, Product: "API Manager", Untrusted: keystore.Untrusted},
		username: o.Username, password: o.Password, clientName: o.ClientName, clients: o.Clients,
	}
}

// Healthy asks what the chart's readiness probe asks.
func (c *Client) Healthy(ctx context.Context) error {
	return c.rest.Do(ctx, rest.Request{Method: http.MethodGet, Path: "/api/am/gateway/v2/server-startup-healthcheck"}, nil)
}
