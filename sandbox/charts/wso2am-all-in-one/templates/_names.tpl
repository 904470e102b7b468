{{- define "am.fullname" -}}
{{- $own := .Values.nameOverride | default .Chart.Name -}}
{{- $full := ternary .Release.Name (printf "%s-%s" .Release.Name $own) (contains $own .Release.Name) -}}
{{- .Values.fullnameOverride | default $full | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{/* The numbers of the nodes, as a JSON list. */}}
{{- define "am.nodes" -}}
{{- .Values.wso2.deployment.highAvailability | ternary (list 1 2) (list 1) | toJson -}}
{{- end -}}

{{/* A digest wins over the tag, whatever the tag says. */}}
{{- define "am.image" -}}
{{- with .Values.wso2.deployment.image -}}
{{ .registry }}/{{ .repository }}{{ if .digest }}@{{ .digest }}{{ else if .tag }}:{{ .tag }}{{ end }}
{{- end -}}
{{- end -}}

{{/* Host name of the consoles. */}}
{{- define "am.host" -}}
{{- $k := .Values.kubernetes -}}
{{- $k.gatewayAPI.enabled | ternary $k.gatewayAPI.management.hostname $k.ingress.management.hostname -}}
{{- end -}}

{{/* Switches behind which the sandbox has nothing: better an error than a silent difference. */}}
{{- define "am.unsupported" -}}
{{- $w := .Values.wso2 -}}
{{- $k := .Values.kubernetes -}}
{{- $switches := dict "aws.enabled" .Values.aws.enabled "azure.enabled" .Values.azure.enabled "gcp.enabled" .Values.gcp.enabled "kubernetes.openshift.enabled" $k.openshift.enabled "wso2.apim.secureVaultEnabled" $w.apim.secureVaultEnabled "wso2.apim.mountStartupScript" $w.apim.mountStartupScript "wso2.apim.mountFrontendConfig" $w.apim.mountFrontendConfig "wso2.deployment.persistence.solrIndexing.enabled" $w.deployment.persistence.solrIndexing.enabled -}}
{{- range $key, $on := $switches -}}
{{- if $on }}{{ fail (printf "the sandbox's simulated chart does not have %s: leave it false, or give the sandbox the real chart" $key) }}{{ end -}}
{{- end -}}
{{- end -}}
