package workflows

import (
	"fmt"
	"slices"
	"time"

	"go.temporal.io/sdk/workflow"

	"lockstep/activities"
	"lockstep/config"
	"lockstep/internal/component"
	"lockstep/workflows/board"
	"lockstep/workflows/call"
	"lockstep/workflows/saga"
)

// a names the activities; it is never called.
var a *activities.Activities

// steps is the runbook of a deployment.
//
// Identity Server and API Manager wait for each other nowhere: their certificates exist before either starts. Of the gateway
// only the CRDs hold API Manager up, since its chart has objects of those kinds.
func (d *deployment) steps() []saga.Step {
	return []saga.Step{
		{Name: "preflight", Summary: "check cluster, permissions, charts, registry and hostnames", Do: d.preflight},
		d.made(saga.Step{Name: "namespace", Summary: "make the namespace", Needs: []string{"preflight"}, Do: d.namespace},
			activities.NamespaceObjects),
		d.made(saga.Step{Name: "credentials", Summary: "make passwords and encryption keys, once", Needs: []string{"namespace"}, Do: d.credentials},
			activities.CredentialObjects),
		d.made(saga.Step{Name: "certificates", Summary: "mint CA, key stores and trust stores of both products, once", Needs: []string{"credentials"}, Do: d.certificates},
			activities.CertificateObjects),
		{Name: "image", Summary: "build and push the Identity Server image", Needs: []string{"preflight"},
			Look: d.lookImage, Do: d.buildImage, Undo: d.undoImage, Remedy: d.retag},
		{Name: "gateway-crds", Summary: "install the Gateway API CRDs", Needs: []string{"preflight"},
			Look: d.lookCRDs, Do: d.applyCRDs, Undo: d.removeCRDs, Remedy: d.deleteCRDs},
		{Name: "gateway", Summary: "install the gateway and its listeners", Needs: []string{"gateway-crds", "certificates"},
			Look: d.lookGateway, Do: d.installGateway, Undo: d.undoGateway, Remedy: d.uninstallGateway},
		d.product(activities.IdentityServer, "install Identity Server and wait until it is ready", "image", "certificates"),
		d.product(activities.APIManager, "install API Manager and wait until it is ready", "certificates", "gateway-crds"),
		d.made(saga.Step{Name: "routes", Summary: "route the public hostnames to both products", Do: d.routes,
			Needs: []string{"gateway", activities.IdentityServer, activities.APIManager}}, activities.RouteObjects),
		{Name: "key-manager", Summary: "register Identity Server as Key Manager", Needs: []string{activities.IdentityServer, activities.APIManager},
			Look: d.lookKeyManager, Do: d.registerKeyManager, Undo: d.undoKeyManager, Remedy: d.deregister},
		{Name: "verify", Summary: "prove that it works", Needs: []string{"key-manager", "routes"}, Do: d.verify, Undo: d.cleanUpVerify,
			Remedy: sweep, Skippable: "it changes nothing that lasts; what it would have proved is not known"},
		{Name: "report", Summary: "collect addresses, digests and durations", Needs: []string{"verify"}, Do: d.collect,
			Skippable: "what is deployed does not depend on it; addresses and expiry are missing from the result, and old revisions stay until the next deployment"},
	}
}

// made adds look and undo to a step that makes objects: what was not there is removed, what was there is put back.
func (d *deployment) made(s saga.Step, set activities.ObjectSet) saga.Step {
	s.Look = func(ctx workflow.Context) (err error) {
		d.objects[s.Name], err = d.snapshot(ctx, set)
		return err
	}
	s.Undo = func(ctx workflow.Context) error { return d.restore(ctx, d.objects[s.Name]) }
	s.Remedy = func() string { return putBack(d.objects[s.Name]) }
	return s
}

// product is the step of one WSO2 product: apply its release, then wait for its pods.
func (d *deployment) product(component, summary string, needs ...string) saga.Step {
	return saga.Step{
		Name: component, Summary: summary, Needs: needs, Remedy: func() string { return d.helm(component) },
		Look: func(ctx workflow.Context) error {
			if err := d.lookRelease(ctx, component); err != nil || component != activities.APIManager {
				return err
			}
			return d.lookRegistration(ctx)
		},
		Do: func(ctx workflow.Context) (string, error) {
			if err := d.applyRelease(ctx, component); err != nil {
				return "", err
			}
			return d.releaseNote(component), d.waitReady(ctx, component, "wait until "+component+" is ready")
		},
		Undo: func(ctx workflow.Context) error {
			if err := d.restoreRelease(ctx, component); err != nil || component != activities.APIManager {
				return err
			}
			return d.undoPostponed(ctx)
		},
	}
}

func (d *deployment) waitReady(ctx workflow.Context, name, summary string) error {
	limit := d.component(name).Timeout
	return call.Do(ctx, call.Wait(summary, limit), a.WaitWorkload, activities.WaitInput{Input: d.trimmed(""), Component: name})
}

func (d *deployment) preflight(ctx workflow.Context) (note string, err error) {
	d.checked, err = call.Get[activities.Preflight](ctx, call.Look("check what the file cannot tell"), a.Preflight, d.whole())
	return d.checked.Summary, err
}

func (d *deployment) namespace(ctx workflow.Context) (string, error) {
	return call.Get[string](ctx, call.Quick("make namespace "+d.env.Namespace), a.EnsureNamespace, d.scope)
}

func (d *deployment) credentials(ctx workflow.Context) (string, error) {
	return call.Get[string](ctx, call.Quick("make what is missing"), a.EnsureCredentials, d.trimmed(""))
}

func (d *deployment) certificates(ctx workflow.Context) (note string, err error) {
	d.certs, err = call.Get[activities.Certificates](ctx, call.Quick("make what is missing"), a.EnsureCertificates, d.trimmed(""))
	return d.certs.Summary, err
}

func (d *deployment) lookImage(ctx workflow.Context) (err error) {
	d.tag, err = call.Get[activities.ImageState](ctx, call.Work("look for the target tag and for the image to build"), a.LookImage, d.trimmed(""))
	return err
}

func (d *deployment) buildImage(ctx workflow.Context) (note string, err error) {
	d.image, err = call.Get[activities.Image](ctx, call.Work("build and push "+d.env.Image.Target), a.BuildImage, d.trimmed(""))
	return d.image.Summary, err
}

func (d *deployment) undoImage(ctx workflow.Context) error {
	in := activities.UndoImageInput{Input: d.trimmed(""), Before: d.tag, Built: d.image}
	return call.Do(ctx, call.Undo("put the target tag back"), a.UndoImage, in)
}

func (d *deployment) routes(ctx workflow.Context) (string, error) {
	if err := call.Do(ctx, call.Quick("route the key manager's hostname"), a.ApplyRoutes, d.trimmed(activities.IdentityServer)); err != nil {
		return "", err
	}
	return "", call.Do(ctx, call.Wait("wait until the gateway accepts all routes", time.Duration(d.env.Timeouts.Gateway)), a.WaitRoutes, d.trimmed(""))
}

func (d *deployment) lookKeyManager(ctx workflow.Context) (err error) {
	o := call.Wait("look for the key manager", time.Duration(d.env.Timeouts.KeyManager)) // API Manager has only just started
	d.manager, err = call.Get[activities.KeyManagerState](ctx, o, a.LookKeyManager, d.trimmed(""))
	return err
}

func (d *deployment) registerKeyManager(ctx workflow.Context) (note string, err error) {
	o := call.Wait("register and wait until it can be used", time.Duration(d.env.Timeouts.KeyManager))
	d.keyManager, err = call.Get[activities.KeyManager](ctx, o, a.RegisterKeyManager, d.trimmed(""))
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
	d.verified, err = call.Get[activities.Verification](ctx, call.Wait("prove that it works: "+string(level), time.Duration(d.env.Timeouts.Verify)), a.Verify, d.verifyInput())
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
	report, err := call.Get[activities.Report](ctx, call.Quick("read addresses and expiry"), a.CollectReport, in)
	if err != nil {
		return "", err
	}
	report.Durations, report.CriticalPath = board.Durations(d.board.Status, workflow.Now(ctx))
	d.report = report
	return fmt.Sprintf("%d steps", len(d.board.Status.Steps)), nil
}

// reported is the report with what operators decided. If they skipped the report, it says what is known without.
func (d *deployment) reported() activities.Report {
	report := d.report
	if report.Environment == "" {
		report = activities.Report{Environment: d.env.Name, Namespace: d.env.Namespace, Kubernetes: d.checked.Kubernetes,
			Issuer: d.keyManager.Issuer, KeyManager: d.keyManager.ID, Image: d.image.Reference, Releases: d.applied,
			GatewayURL: "https://" + d.env.Hostnames.Gateway, Verified: d.verified.Proved, Warnings: slices.Concat(d.checked.Warnings, d.certs.Warnings)}
	}
	for _, row := range d.board.Status.Steps {
		if row.State == board.StateSkipped {
			report.Warnings = append(report.Warnings, fmt.Sprintf("step %s was %s; it had failed: %s", row.Name, row.Note, row.Error))
		}
	}
	report.Warnings = append(report.Warnings, d.settled...)
	report.Decisions = d.board.Status.Decisions
	return report
}
