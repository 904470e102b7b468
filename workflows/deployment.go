package workflows

import (
	"lockstep/activities"
	"lockstep/config"
	"lockstep/config/step"
	"lockstep/internal/component"
	"lockstep/internal/objects"
	"lockstep/workflows/saga"
)

// deployment are the steps of a deployment, each with what it found out.
type deployment struct {
	*run
	images *images

	preflight      *preflightStep
	namespace      *namespaceStep
	credentials    *credentialsStep
	certificates   *certificatesStep
	image          *imageStep
	crds           *crdsStep
	gateway        *gatewayStep
	identityServer *productStep
	apiManager     *apiManagerStep
	routes         *routesStep
	keyManager     *keyManagerStep
	verify         *verifyStep
	report         *reportStep

	removing bool // what was there before is being removed, or has been
	rotating bool // certificates are renewed
}

func newDeployment(r *run) *deployment {
	made := func(set objects.Set) objectSet { return objectSet{run: r, set: set} }
	d := &deployment{run: r, images: &images{}}
	installed := func(name string) helmRelease { return helmRelease{run: r, name: name, images: d.images} }
	d.preflight = &preflightStep{run: r, images: d.images}
	d.namespace = &namespaceStep{made(objects.Namespace)}
	d.credentials = &credentialsStep{made(objects.Credentials)}
	d.certificates = &certificatesStep{objectSet: made(objects.Certificates)}
	d.image = &imageStep{run: r, images: d.images}
	d.crds = &crdsStep{run: r}
	d.gateway = &gatewayStep{run: r, release: installed(component.Gateway), listeners: made(objects.Gateway), namespace: made(objects.GatewayNamespace)}
	d.identityServer = &productStep{installed(component.IdentityServer)}
	d.apiManager = &apiManagerStep{productStep: productStep{installed(component.APIManager)}, credentials: d.credentials, certificates: d.certificates}
	d.routes = &routesStep{made(objects.Routes)}
	d.keyManager = &keyManagerStep{run: r, apiManager: d.apiManager}
	d.verify = &verifyStep{run: r, apiManager: d.apiManager}
	d.report = &reportStep{deployment: d}
	return d
}

// steps is the runbook of a deployment.
//
// Identity Server and API Manager wait for each other nowhere: their certificates exist before either starts. Of the gateway
// only the CRDs hold API Manager up, since its chart has objects of those kinds.
func (d *deployment) steps() []saga.Step {
	return []saga.Step{
		d.preflight.step(),
		d.namespace.step().After(step.Preflight),
		d.credentials.step().After(step.Namespace),
		d.certificates.step().After(step.Credentials),
		d.image.step().After(step.Preflight),
		d.crds.step().After(step.Preflight),
		d.gateway.step().After(step.GatewayCRDs, step.Certificates),
		d.identityServer.step().After(step.Image, step.Certificates),
		d.apiManager.step().After(step.Certificates, step.GatewayCRDs),
		d.routes.step().After(step.Gateway, step.IdentityServer, step.APIManager),
		d.keyManager.step().After(step.IdentityServer, step.APIManager),
		d.verify.step().After(step.KeyManager, step.Routes),
		d.report.step().After(step.Verify),
	}
}

// applied are the releases that this run applied, by component.
func (d *deployment) applied() map[string]activities.Release {
	all := map[string]activities.Release{}
	for _, h := range []helmRelease{d.gateway.release, d.identityServer.helmRelease, d.apiManager.helmRelease} {
		if h.applied != nil {
			all[h.name] = *h.applied
		}
	}
	return all
}

// frozen are the fields that cannot change once the steps have begun of which began says so.
func (d *deployment) frozen(began func(name string) bool) []saga.Frozen {
	fields := []saga.Frozen{
		{Path: "name", Of: func(e config.Environment) any { return e.Name }},
		{Path: "approvals", Of: func(e config.Environment) any { return e.Approvals }},
	}
	for _, s := range d.steps() {
		if began(s.Name) {
			fields = append(fields, s.Frozen...)
		}
	}
	return fields
}
