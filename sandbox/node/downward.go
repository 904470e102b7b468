package node

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
func (p *pod) field(path string) (string, error) {
	switch path {
	case "metadata.name":
		return p.object.Name, nil
	case "metadata.namespace":
		return p.object.Namespace, nil
	case "metadata.uid":
		return string(p.object.UID), nil
	case "metadata.labels":
		return formatMap(p.object.Labels), nil
	case "metadata.annotations":
		return formatMap(p.object.Annotations), nil
	case "spec.nodeName":
		return Name, nil
	case "spec.serviceAccountName":
		return p.object.Spec.ServiceAccountName, nil
	case "status.podIP", "status.podIPs":
		return p.address.String(), nil
	case "status.hostIP", "status.hostIPs":
		return kubeletAddress(p.node.Instance), nil
	}
	for prefix, values := range map[string]map[string]string{"metadata.labels": p.object.Labels, "metadata.annotations": p.object.Annotations} {
		if key, ok := strings.CutPrefix(path, prefix+"['"); ok {
			return values[strings.TrimSuffix(key, "']")], nil
		}
	}
	return "", fmt.Errorf("unsupported fieldPath: %s", path)
}

func (p *pod) downwardFiles(items []corev1.DownwardAPIVolumeFile, mode *int32) (map[string]volumeFile, error) {
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
