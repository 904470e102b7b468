{{- define "eg.name" -}}
{{- .Values.nameOverride | default .Chart.Name | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "eg.fullname" -}}
{{- $own := .Values.nameOverride | default .Chart.Name -}}
{{- $full := ternary .Release.Name (printf "%s-%s" .Release.Name $own) (contains $own .Release.Name) -}}
{{- .Values.fullnameOverride | default $full | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "eg.selector" -}}
app.kubernetes.io/name: {{ include "eg.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "eg.labels" -}}
{{ include "eg.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end -}}

{{/* Labels and annotations of a hook. No delete policy: hooks outlive the release. dict root, annotations, weight. */}}
{{- define "eg.hook" -}}
labels:
  {{- include "eg.labels" .root | nindent 2 }}
annotations:
  helm.sh/hook: pre-install, pre-upgrade
  {{- with .weight }}
  helm.sh/hook-weight: {{ . | quote }}
  {{- end }}
  {{- with .annotations }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end -}}

{{/*
The image. A global registry takes the place of whatever stands before the first slash, be it a host or not: a name
without a host loses its organisation.
*/}}
{{- define "eg.image" -}}
{{- $own := .Values.deployment.envoyGateway.image -}}
{{- $image := .Values.global.images.envoyGateway.image -}}
{{- if $own.repository -}}
{{- $image = printf "%s:%s" $own.repository ($own.tag | default .Chart.AppVersion) -}}
{{- end -}}
{{- with .Values.global.imageRegistry -}}
{{- $image = printf "%s/%s" . (splitn "/" 2 $image)._1 -}}
{{- end -}}
{{- $image -}}
{{- end -}}

{{- define "eg.pull" -}}
{{- $own := .Values.deployment.envoyGateway -}}
{{- $global := .Values.global -}}
imagePullSecrets: {{ coalesce $global.imagePullSecrets $own.imagePullSecrets $global.images.envoyGateway.pullSecrets | default list | toJson }}
{{- end -}}

{{- define "eg.env" -}}
- name: ENVOY_GATEWAY_NAMESPACE
  valueFrom: {fieldRef: {apiVersion: v1, fieldPath: metadata.namespace}}
- {name: KUBERNETES_CLUSTER_DOMAIN, value: {{ .Values.kubernetesClusterDomain }}}
{{- end -}}
