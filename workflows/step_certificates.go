package workflows

import (
	"go.temporal.io/sdk/workflow"

	"lockstep/activities"
	"lockstep/config"
	"lockstep/config/step"
	"lockstep/internal/drift"
	"lockstep/workflows/call"
	"lockstep/workflows/saga"
)

// certificatesStep mints the CA and the stores of both products, once.
type certificatesStep struct {
	objectSet
	made activities.Certificates
}

func (s *certificatesStep) step() saga.Step {
	return saga.Step{
		Name: step.Certificates, Summary: "mint CA, key stores and trust stores of both products, once",
		Look: s.look, Do: s.do, Undo: s.undo, Remedy: s.remedy, Frozen: s.frozen(),
	}
}

func (s *certificatesStep) do(ctx workflow.Context) (note string, err error) {
	s.made, err = call.Get[activities.Certificates](ctx, call.Quick("make what is missing"), a.EnsureCertificates, s.trimmed(""))
	return s.made.Summary, err
}

func (s *certificatesStep) removal() saga.Step {
	return s.removed(step.Certificates, "remove certificates and key stores")
}

// comparison is also that of the credentials: the stores are opened with them.
func (s *certificatesStep) comparison() compared {
	return compared{step.Certificates, "compare credentials, certificates and stores", func(ctx workflow.Context) ([]drift.Item, error) {
		return call.Get[[]drift.Item](ctx, call.Quick("look at keys and certificates"), a.DriftKeys, s.trimmed(""))
	}}
}

// renew makes a component's certificates anew, by the same CA. What it leaves as it is becomes a warning.
func (s *certificatesStep) renew(ctx workflow.Context, component string) (activities.Rotated, error) {
	in := activities.RotateInput{Input: s.trimmed(""), Component: component}
	rotated, err := call.Get[activities.Rotated](ctx, call.Quick("renew certificates of "+component), a.RotateCertificates, in)
	if rotated.Left != "" {
		s.made.Warnings = append(s.made.Warnings, rotated.Left)
	}
	return rotated, err
}

// putBack undoes renew.
func (s *certificatesStep) putBack(ctx workflow.Context, component string) error {
	in := activities.RotateInput{Input: s.trimmed(""), Component: component}
	return call.Do(ctx, call.Undo("put the certificates of "+component+" back"), a.UndoRotateCertificates, in)
}

// frozen are also the names that the certificates are for.
func (s *certificatesStep) frozen() []saga.Frozen {
	return []saga.Frozen{
		{Path: "certificates.ca", Of: func(e config.Environment) any { return e.Certificates.CA }},
		{Path: "certificates.caNamespace", Of: func(e config.Environment) any { return e.Certificates.CANamespace }},
		{Path: "certificates.gatewayTLS", Of: func(e config.Environment) any { return e.Certificates.GatewayTLS }},
		{Path: "certificates.validity", Of: func(e config.Environment) any { return e.Certificates.Validity }},
		{Path: "certificates.extraDNSNames", Of: func(e config.Environment) any { return e.Certificates.ExtraDNSNames }},
		{Path: "hostnames.management", Of: func(e config.Environment) any { return e.Hostnames.Management }},
		{Path: "hostnames.gateway", Of: func(e config.Environment) any { return e.Hostnames.Gateway }},
		{Path: "hostnames.websocket", Of: func(e config.Environment) any { return e.Hostnames.WebSocket }},
		{Path: "hostnames.websub", Of: func(e config.Environment) any { return e.Hostnames.WebSub }},
		{Path: "hostnames.keyManager", Of: func(e config.Environment) any { return e.Hostnames.KeyManager }},
		{Path: "identityServer.release", Of: func(e config.Environment) any { return e.IdentityServer.Release }},
		{Path: "apiManager.release", Of: func(e config.Environment) any { return e.APIManager.Release }},
	}
}
