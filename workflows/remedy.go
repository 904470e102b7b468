package workflows

import (
	"fmt"
	"strings"

	"lockstep/activities"
	"lockstep/internal/cluster"
	"lockstep/internal/release"
)

// Remedies are what an operator does by hand where undo could not. They name what the run made, by what its looks saw.

const redeploy = "deploy the environment file of before again"

// putBack deletes what was not there, and leaves what was to a deployment.
func putBack(before []cluster.Snapshot) string {
	var all []string
	changed := false
	for _, object := range before {
		if object.Exists {
			changed = true
			continue
		}
		command := fmt.Sprintf("`kubectl delete %s %s --ignore-not-found", strings.ToLower(object.Ref.Kind), object.Ref.Name)
		if object.Ref.Namespace != "" {
			command += " -n " + object.Ref.Namespace
		}
		all = append(all, command+"`")
	}
	if changed {
		all = append(all, redeploy)
	}
	return strings.Join(all, ", ")
}

// helm undoes what was done to a release.
func (d *deployment) helm(component string) string {
	name, namespace := d.releaseName(component), d.releaseNamespace(component)
	forget := fmt.Sprintf(", then `kubectl delete secret %s -n %s --ignore-not-found`", release.SnapshotSecret(name, d.env.Name), namespace)
	if before := d.before[component]; before.Exists {
		return fmt.Sprintf("`helm rollback %s %d -n %s`", name, before.Revision, namespace) + forget
	}
	return fmt.Sprintf("`helm uninstall %s -n %s`, which also takes what an installation without records had left there before", name, namespace) + forget
}

func (d *deployment) uninstallGateway() string {
	all := putBack(d.objects["gateway"])
	if d.env.Routing.Installs() {
		all += ", then " + d.helm(activities.GatewayController)
	}
	return all
}

func (d *deployment) deleteCRDs() string {
	if len(d.missing) == 0 {
		return ""
	}
	return "as far as they have no objects, `kubectl delete crd --ignore-not-found " + strings.Join(d.missing, " ") + "`"
}

func (d *deployment) retag() string {
	if d.tag.Exists {
		return fmt.Sprintf("`crane tag %s@%s %s`", repository(d.env.Image.Target), d.tag.Digest, tag(d.env.Image.Target))
	}
	return fmt.Sprintf("`crane delete %s`, or by the registry's own means", d.env.Image.Target)
}

func repository(target string) string { return target[:strings.LastIndex(target, ":")] }

func tag(target string) string { return target[strings.LastIndex(target, ":")+1:] }

func (d *deployment) deregister() string {
	name, portal := d.env.KeyManager.Name, "https://"+d.env.Hostnames.Management+"/admin"
	if d.manager.Exists {
		return fmt.Sprintf("%s, or set key manager %s right in the Admin portal (%s)", redeploy, name, portal)
	}
	return fmt.Sprintf("delete key manager %s in the Admin portal (%s)", name, portal)
}

func sweep() string {
	return "delete the APIs in the Publisher and the applications in the Developer portal whose names begin with lockstep-verify-"
}
