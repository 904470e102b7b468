{{- define "is.name" -}}
{{- .Values.nameOverride | default .Chart.Name | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "is.fullname" -}}
{{- $own := .Values.nameOverride | default .Chart.Name -}}
{{- $full := ternary .Release.Name (printf "%s-%s" .Release.Name $own) (contains $own .Release.Name) -}}
{{- .Values.fullnameOverride | default $full | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "is.selector" -}}
app.kubernetes.io/name: {{ include "is.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "is.image" -}}
{{- with .Values.deployment.image -}}
{{ .registry }}/{{ .repository }}{{ if .digest }}@{{ .digest }}{{ else }}:{{ .tag | default "latest" }}{{ end }}
{{- end -}}
{{- end -}}

{{/* Where the product lies in the image, if buildVersion and productPackName are the image's own. */}}
{{- define "is.home" -}}
/home/wso2carbon/{{ .Values.deployment.productPackName }}-{{ .Values.deployment.buildVersion }}
{{- end -}}

{{/* "true" for the 7.2 flavour. */}}
{{- define "is.since72" -}}
{{- if not (hasPrefix "7.1" .Chart.AppVersion) -}}true{{- end -}}
{{- end -}}
