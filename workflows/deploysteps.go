package workflows

import (
	"fmt"
	"slices"
	"time"

	"go.temporal.io/sdk/workflow"

	"lockstep/activities"
	"lockstep/config"
	"lockstep/internal/component"
)

// a names the activities; it is never called.
var a *activities.Activities

// steps is the runbook of a deployment.
//
// Identity Server and API Manager wait for each other nowhere: their certificates exist before either starts. Of the gateway
// only the CRDs hold API Manager up, since its chart has objects of those kinds.
func (d *deployment) steps() []step {
	return []step{
		{name: "preflight", summary: "check cluster, permissions, charts, registry and hostnames", do: d.preflight},
		d.made(step{name: "namespace", summary: "make the namespace", needs: []string{"preflight"}, do: d.namespace},
			activities.NamespaceObjects),
		d.made(step{name: "credentials", summary: "make passwords and encryption keys, once", needs: []string{"namespace"}, do: d.credentials},
			activities.CredentialObjects),
		d.made(step{name: "certificates", summary: "mint CA, key stores and trust stores of both products, once", needs: []string{"credentials"}, do: d.certificates},
			activities.CertificateObjects),
		{name: "image", summary: "build and push the Identity Server image", needs: []string{"preflight"},
			look: d.lookImage, do: d.buildImage, undo: d.undoImage, remedy: d.retag},
		{name: "gateway-crds", summary: "install the Gateway API kinds", needs: []string{"preflight"},
			look: d.lookCRDs, do: d.applyCRDs, undo: d.removeCRDs, remedy: d.deleteCRDs},
		{name: "gateway", summary: "install the gateway and its listeners", needs: []string{"gateway-crds", "certificates"},
			look: d.lookGateway, do: d.installGateway, undo: d.undoGateway, remedy: d.uninstallGateway},
		d.product(activities.IdentityServer, "install Identity Server and wait until it is ready", "image", "certificates"),
		d.product(activities.APIManager, "install API Manager and wait until it is ready", "certificates", "gateway-crds"),
		d.made(step{name: "routes", summary: "route the public hostnames to both products", do: d.routes,
			needs: []string{"gateway", activities.IdentityServer, activities.APIManager}}, activities.RouteObjects),
		{name: "key-manager", summary: "register Identity Server as Key Manager", needs: []string{activities.IdentityServer, activities.APIManager},
			look: d.lookKeyManager, do: d.registerKeyManager, undo: d.undoKeyManager, remedy: d.deregister},
		{name: "verify", summary: "prove that it works", needs: []string{"key-manager", "routes"}, do: d.verify, undo: d.cleanUpVerify,
			remedy: sweep, skippable: "it changes nothing that lasts; what it would have proved is not known"},
		{name: "report", summary: "collect addresses, digests and durations", needs: []string{"verify"}, do: d.collect,
			skippable: "what is deployed does not depend on it; addresses and expiry are missing from the result, and old revisions stay until the next deployment"},
	}
}

// made adds look and undo to a step that makes objects: what was not there is removed, what was there is put back.
func (d *deployment) made(s step, set activities.ObjectSet) step {
	s.look = func(ctx workflow.Context) (err error) {
		d.objects[s.name], err = d.snapshot(ctx, set)
		return err
	}
	s.undo = func(ctx workflow.Context) error { return d.restore(ctx, d.objects[s.name]) }
	s.remedy = func() string { return putBack(d.objects[s.name]) }
	return s
}

// product is the step of one WSO2 product: apply its release, then wait for its pods.
func (d *deployment) product(component, summary string, needs ...string) step {
	return step{
		name: component, summary: summary, needs: needs, remedy: func() string { return d.helm(component) },
		look: func(ctx workflow.Context) error {
			if err := d.lookRelease(ctx, component); err != nil || component != activities.APIManager {
				return err
			}
			return d.lookRegistration(ctx)
		},
		do: func(ctx workflow.Context) (string, error) {
			if err := d.applyRelease(ctx, component); err != nil {
				return "", err
			}
			return d.releaseNote(component), d.waitReady(ctx, component, "wait until "+component+" is ready")
		},
		undo: func(ctx workflow.Context) error {
			if err := d.restoreRelease(ctx, component); err != nil || component != activities.APIManager {
				return err
			}
			return d.undoPostponed(ctx)
		},
	}
}

func (d *deployment) waitReady(ctx workflow.Context, name, summary string) error {
	limit := d.component(name).Timeout
	return tell(ctx, wait(summary, limit), a.WaitWorkload, activities.WaitInput{Input: d.trimmed(""), Component: name})
}

func (d *deployment) preflight(ctx workflow.Context) (note string, err error) {
	d.checked, err = call[activities.Preflight](ctx, look("check what the file cannot tell"), a.Preflight, d.whole())
	return d.checked.Summary, err
}

func (d *deployment) namespace(ctx workflow.Context) (string, error) {
	return call[string](ctx, quick("make namespace "+d.env.Namespace), a.EnsureNamespace, d.scope)
}

func (d *deployment) credentials(ctx workflow.Context) (string, error) {
	return call[string](ctx, quick("make what is missing"), a.EnsureCredentials, d.trimmed(""))
}

func (d *deployment) certificates(ctx workflow.Context) (note string, err error) {
	d.certs, err = call[activities.Certificates](ctx, quick("make what is missing"), a.EnsureCertificates, d.trimmed(""))
	return d.certs.Summary, err
}

func (d *deployment) lookImage(ctx workflow.Context) (err error) {
	d.tag, err = call[activities.ImageState](ctx, work("look for the target tag and for the image to build"), a.LookImage, d.trimmed(""))
	return err
}

func (d *deployment) buildImage(ctx workflow.Context) (note string, err error) {
	d.image, err = call[activities.Image](ctx, work("build and push "+d.env.Image.Target), a.BuildImage, d.trimmed(""))
	return d.image.Summary, err
}

func (d *deployment) undoImage(ctx workflow.Context) error {
	in := activities.UndoImageInput{Input: d.trimmed(""), Before: d.tag, Built: d.image}
	return tell(ctx, undo("put the target tag back"), a.UndoImage, in)
}

func (d *deployment) routes(ctx workflow.Context) (string, error) {
	if err := tell(ctx, quick("route the key manager's hostname"), a.ApplyRoutes, d.trimmed(activities.IdentityServer)); err != nil {
		return "", err
	}
	return "", tell(ctx, wait("wait until the gateway accepts all routes", time.Duration(d.env.Timeouts.Gateway)), a.WaitRoutes, d.trimmed(""))
}

func (d *deployment) lookKeyManager(ctx workflow.Context) (err error) {
	o := wait("look for the key manager", time.Duration(d.env.Timeouts.KeyManager)) // API Manager has only just started
	d.manager, err = call[activities.KeyManagerState](ctx, o, a.LookKeyManager, d.trimmed(""))
	return err
}

func (d *deployment) registerKeyManager(ctx workflow.Context) (note string, err error) {
	o := wait("register and wait until it can be used", time.Duration(d.env.Timeouts.KeyManager))
	d.keyManager, err = call[activities.KeyManager](ctx, o, a.RegisterKeyManager, d.trimmed(""))
	return d.keyManager.Summary, err
}

func (d *deployment) verify(ctx workflow.Context) (string, error) {
	level := d.env.Verify.Level
	d.verified = activities.Verification{}
	if level == config.VerifyNone {
		return "not asked for", nil
	}
	d.proving = d.proving || level != config.VerifyHealth
	var err error
	d.verified, err = call[activities.Verification](ctx, wait("prove that it works: "+string(level), time.Duration(d.env.Timeouts.Verify)), a.Verify, d.verifyInput())
	return d.verified.Summary, err
}

func (d *deployment) verifyInput() activities.VerifyInput {
	return activities.VerifyInput{Input: d.trimmed("")}
}

// whole is the input of activities that need every chart's values.
func (d *deployment) whole() activities.Input {
	return activities.Input{Scope: d.scope, Env: d.env}
}

// trimmed leaves out the chart values of all components but one: they are large and each input is kept in the history.
func (d *deployment) trimmed(name string) activities.Input {
	return activities.Input{Scope: d.scope, Env: component.Trim(d.env, name)}
}

func (d *deployment) collect(ctx workflow.Context) (string, error) {
	in := activities.ReportInput{
		Input: d.trimmed(""), Kubernetes: d.checked.Kubernetes, Image: d.image, Gateway: d.gateway, KeyManager: d.keyManager,
		Releases: d.applied, Verified: d.verified, Warnings: slices.Concat(d.checked.Warnings, d.certs.Warnings),
	}
	report, err := call[activities.Report](ctx, quick("read addresses and expiry"), a.CollectReport, in)
	if err != nil {
		return "", err
	}
	report.Durations, report.CriticalPath = durations(d.board.status, workflow.Now(ctx))
	d.report = report
	return fmt.Sprintf("%d steps", len(d.board.status.Steps)), nil
}

// reported is the report with what operators decided. If they skipped the report, it says what is known without.
func (d *deployment) reported() activities.Report {
	report := d.report
	if report.Environment == "" {
		report = activities.Report{Environment: d.env.Name, Namespace: d.env.Namespace, Kubernetes: d.checked.Kubernetes,
			Issuer: d.keyManager.Issuer, KeyManager: d.keyManager.ID, Image: d.image.Reference, Releases: d.applied,
			GatewayURL: "https://" + d.env.Hostnames.Gateway, Verified: d.verified.Proved, Warnings: slices.Concat(d.checked.Warnings, d.certs.Warnings)}
	}
	for _, row := range d.board.status.Steps {
		if row.State == StateSkipped {
			report.Warnings = append(report.Warnings, fmt.Sprintf("step %s was %s; it had failed: %s", row.Name, row.Note, row.Error))
		}
	}
	report.Warnings = append(report.Warnings, d.settled...)
	report.Decisions = d.board.status.Decisions
	return report
}
