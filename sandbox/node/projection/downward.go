package projection

import (
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"
)

// field is the value of a downward API field.
func (p Pod) field(path string) (string, error) {
	switch path {
	case "metadata.name":
		return p.Object.Name, nil
	case "metadata.namespace":
		return p.Object.Namespace, nil
	case "metadata.uid":
		return string(p.Object.UID), nil
	case "metadata.labels":
		return formatMap(p.Object.Labels), nil
	case "metadata.annotations":
		return formatMap(p.Object.Annotations), nil
	case "spec.nodeName":
		return p.Node, nil
	case "spec.serviceAccountName":
		return p.Object.Spec.ServiceAccountName, nil
	case "status.podIP", "status.podIPs":
		return p.Address.String(), nil
	case "status.hostIP", "status.hostIPs":
		return p.HostIP, nil
	}
	for prefix, values := range map[string]map[string]string{"metadata.labels": p.Object.Labels, "metadata.annotations": p.Object.Annotations} {
		if key, ok := strings.CutPrefix(path, prefix+"['"); ok {
			return values[strings.TrimSuffix(key, "']")], nil
		}
	}
	return "", fmt.Errorf("unsupported fieldPath: %s", path)
}

func (p Pod) downwardFiles(items []corev1.DownwardAPIVolumeFile, mode *int32) (map[string]volumeFile, error) {
	files := map[string]volumeFile{}
	for _, item := range items {
		if item.FieldRef == nil {
			continue
		}
		value, err := p.field(item.FieldRef.FieldPath)
		if err != nil {
			return nil, err
		}
		files[item.Path] = volumeFile{data: []byte(value), mode: fs.FileMode(ptr.Deref(item.Mode, ptr.Deref(mode, 0o644)))}
	}
	return files, nil
}

// formatMap is how the downward API writes labels and annotations.
func formatMap(values map[string]string) string {
	var lines []string
	for _, key := range slices.Sorted(maps.Keys(values)) {
		lines = append(lines, fmt.Sprintf("%s=%q", key, values[key]))
	}
	return strings.Join(lines, "\n")
}
