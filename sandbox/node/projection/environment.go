package projection

import (
	"context"
	"fmt"
	"maps"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
)

// Environment is a container's environment: that of its image, then envFrom, then env, later ones winning.
func (p Pod) Environment(ctx context.Context, of corev1.Container, image []string) (map[string]string, error) {
	env := map[string]string{"HOSTNAME": p.Object.Name}
	for _, entry := range image {
		name, value, _ := strings.Cut(entry, "=")
		env[name] = value
	}
	for _, source := range of.EnvFrom {
		values, err := p.envFrom(ctx, source)
		if err != nil {
			return nil, err
		}
		maps.Copy(env, values)
	}
	// Only the pod's own variables can be referred to, not the image's.
	known := map[string]string{}
	for _, variable := range of.Env {
		value, ok, err := p.envValue(ctx, variable, known)
		if err != nil {
			return nil, err
		}
		if ok {
			env[variable.Name], known[variable.Name] = value, value
		}
	}
	return env, nil
}

func (p Pod) envFrom(ctx context.Context, source corev1.EnvFromSource) (map[string]string, error) {
	var values map[string]string
	var err error
	switch {
	case source.ConfigMapRef != nil:
		values, err = p.configMapValues(ctx, source.ConfigMapRef.Name, ptr.Deref(source.ConfigMapRef.Optional, false))
	case source.SecretRef != nil:
		values, err = p.secretValues(ctx, source.SecretRef.Name, ptr.Deref(source.SecretRef.Optional, false))
	}
	prefixed := map[string]string{}
	for name, value := range values {
		prefixed[source.Prefix+name] = value
	}
	return prefixed, err
}

// envValue is a variable's value; ok is false if it comes from an optional source that is not there.
func (p Pod) envValue(ctx context.Context, variable corev1.EnvVar, known map[string]string) (value string, ok bool, err error) {
	from := variable.ValueFrom
	switch {
	case from == nil:
		return Expand(variable.Value, known), true, nil
	case from.FieldRef != nil:
		value, err = p.field(from.FieldRef.FieldPath)
		return value, err == nil, err
	case from.SecretKeyRef != nil:
		optional := ptr.Deref(from.SecretKeyRef.Optional, false)
		values, err := p.secretValues(ctx, from.SecretKeyRef.Name, optional)
		return keyValue(values, from.SecretKeyRef.Key, optional, err, "Secret", p.Object.Namespace, from.SecretKeyRef.Name)
	case from.ConfigMapKeyRef != nil:
		optional := ptr.Deref(from.ConfigMapKeyRef.Optional, false)
		values, err := p.configMapValues(ctx, from.ConfigMapKeyRef.Name, optional)
		return keyValue(values, from.ConfigMapKeyRef.Key, optional, err, "ConfigMap", p.Object.Namespace, from.ConfigMapKeyRef.Name)
	}
	return "", false, nil // resourceFieldRef: a simulated program has no resources
}

func keyValue(values map[string]string, key string, optional bool, err error, kind, namespace, name string) (string, bool, error) {
	value, ok := values[key]
	if err == nil && !ok && !optional {
		err = fmt.Errorf("couldn't find key %s in %s %s/%s", key, kind, namespace, name)
	}
	return value, ok, err
}

func (p Pod) secretValues(ctx context.Context, name string, optional bool) (map[string]string, error) {
	object, err := p.Client.CoreV1().Secrets(p.Object.Namespace).Get(ctx, name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) && optional {
		return nil, nil
	}
	if err != nil {
		return nil, missing("secret", name, err)
	}
	values := map[string]string{}
	for key, value := range object.Data {
		values[key] = string(value)
	}
	return values, nil
}

func (p Pod) configMapValues(ctx context.Context, name string, optional bool) (map[string]string, error) {
	object, err := p.Client.CoreV1().ConfigMaps(p.Object.Namespace).Get(ctx, name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) && optional {
		return nil, nil
	}
	if err != nil {
		return nil, missing("configmap", name, err)
	}
	return object.Data, nil
}

// Expand replaces $(NAME) by the variable's value; $$(NAME) stands for itself, and so does an unknown one.
func Expand(text string, known map[string]string) string {
	var out strings.Builder
	for text != "" {
		if strings.HasPrefix(text, "$$") {
			out.WriteByte('$')
			text = text[2:]
			continue
		}
		if rest, ok := strings.CutPrefix(text, "$("); ok {
			if name, after, closed := strings.Cut(rest, ")"); closed {
				if value, ok := known[name]; ok {
					out.WriteString(value)
				} else {
					out.WriteString("$(" + name + ")")
				}
				text = after
				continue
			}
		}
		out.WriteByte(text[0])
		text = text[1:]
	}
	return out.String()
}
