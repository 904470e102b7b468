package charts_test

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"helm.sh/helm/v3/pkg/action"
	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	"lockstep/sandbox/charts"
)

// objects are rendered objects as YAML documents, by "Kind name".
type objects map[string]string

// simulated loads one of the sandbox's charts.
func simulated(t *testing.T, archive string) *chart.Chart {
	t.Helper()
	archives, err := charts.Archives()
	if err != nil {
		t.Fatal(err)
	}
	if archives[archive] == nil {
		t.Fatalf("no archive %s among %v", archive, slices.Sorted(maps.Keys(archives)))
	}
	loaded, err := loader.LoadArchive(bytes.NewReader(archives[archive]))
	if err != nil {
		t.Fatal(err)
	}
	return loaded
}

// render is helm template, hooks included. Values are YAML.
func render(chart *chart.Chart, release, namespace, values string) (objects, error) {
	install := action.NewInstall(new(action.Configuration))
	install.ClientOnly, install.DryRun = true, true
	install.ReleaseName, install.Namespace = release, namespace
	install.KubeVersion = &chartutil.KubeVersion{Version: "v1.35.0", Major: "1", Minor: "35"}
	parsed, err := chartutil.ReadValues([]byte(values))
	if err != nil {
		return nil, err
	}
	rendered, err := install.Run(chart, parsed)
	if err != nil {
		return nil, err
	}
	documents := strings.Split("\n"+rendered.Manifest, "\n---\n")
	for _, hook := range rendered.Hooks {
		documents = append(documents, hook.Manifest)
	}
	all := objects{}
	for _, document := range documents {
		var object struct {
			Kind     string
			Metadata struct{ Name string }
		}
		if err := yaml.Unmarshal([]byte(document), &object); err != nil {
			return nil, fmt.Errorf("%w in\n%s", err, document)
		}
		if object.Kind != "" {
			all[object.Kind+" "+object.Metadata.Name] = document
		}
	}
	return all, nil
}

func mustRender(t *testing.T, chart *chart.Chart, release, namespace, values string) objects {
	t.Helper()
	all, err := render(chart, release, namespace, values)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// container reads the only container of a Deployment.
func (o objects) container(t *testing.T, deployment string) corev1.Container {
	t.Helper()
	var object appsv1.Deployment
	if err := yaml.UnmarshalStrict([]byte(o["Deployment "+deployment]), &object); err != nil {
		t.Fatal(err)
	}
	if len(object.Spec.Template.Spec.Containers) != 1 {
		t.Fatalf("Deployment %s has %d containers", deployment, len(object.Spec.Template.Spec.Containers))
	}
	return object.Spec.Template.Spec.Containers[0]
}

// data reads one key of a ConfigMap.
func (o objects) data(t *testing.T, configMap, key string) string {
	t.Helper()
	var object corev1.ConfigMap
	if err := yaml.UnmarshalStrict([]byte(o["ConfigMap "+configMap]), &object); err != nil {
		t.Fatal(err)
	}
	return object.Data[key]
}

func mounts(container corev1.Container) []string {
	var paths []string
	for _, mount := range container.VolumeMounts {
		paths = append(paths, mount.MountPath)
	}
	slices.Sort(paths)
	return paths
}

func ports(container corev1.Container) []int32 {
	var numbers []int32
	for _, port := range container.Ports {
		numbers = append(numbers, port.ContainerPort)
	}
	slices.Sort(numbers)
	return numbers
}
