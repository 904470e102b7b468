{{/* Switches of the real chart behind which the sandbox has nothing: better an error than a silent difference. */}}
{{- define "is.unsupported" -}}
{{- $switches := dict "deployment.persistence" .Values.deployment.persistence "deployment.secretStore" .Values.deployment.secretStore "deployment.hpa" .Values.deployment.hpa "deployment.route" .Values.deployment.route "deployment.gateway" (.Values.deployment.gateway | default dict) -}}
{{- range $key, $switch := $switches -}}
{{- if $switch.enabled -}}
{{- fail (printf "the sandbox's simulated chart does not have %s: leave %s.enabled false, or give the sandbox the real chart" $key $key) -}}
{{- end -}}
{{- end -}}
{{- end -}}
