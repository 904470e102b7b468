{{/*
Which passwords come from Secrets: a YAML map of environment variable to Secret name and key. A variable is there if the
values name a Secret and its key; the deployment.toml then holds $env{NAME}, and the container gets a secretKeyRef.
*/}}
{{- define "am.secretRefs" -}}
{{- $c := .Values.wso2.apim.configurations -}}
{{- $own := $c.existingSecret -}}
{{- $stores := $c.security.jksExistingSecret -}}
{{- range $env, $key := dict "WSO2_ADMIN_PASSWORD" $own.adminPasswordKey "WSO2_APIM_DB_PASSWORD" $own.apimDBPasswordKey "WSO2_SHARED_DB_PASSWORD" $own.sharedDBPasswordKey "WSO2_ENCRYPTION_KEY" $own.encryptionKeyKey -}}
{{- if and $own.secretName $key }}
{{ $env }}: {name: {{ $own.secretName | quote }}, key: {{ $key | quote }}}
{{- end -}}
{{- end -}}
{{- range $role := list "primary" "tls" "internal" -}}
{{- $password := index $stores (printf "%sKeystorePasswordKey" $role) -}}
{{- $keyPassword := index $stores (printf "%sKeystoreKeyPasswordKey" $role) -}}
{{- if and $stores.secretName $password $keyPassword }}
WSO2_{{ upper $role }}_KEYSTORE_PASSWORD: {name: {{ $stores.secretName | quote }}, key: {{ $password | quote }}}
WSO2_{{ upper $role }}_KEYSTORE_KEY_PASSWORD: {name: {{ $stores.secretName | quote }}, key: {{ $keyPassword | quote }}}
{{- end -}}
{{- end -}}
{{- if and $stores.secretName $stores.truststorePasswordKey }}
WSO2_TRUSTSTORE_PASSWORD: {name: {{ $stores.secretName | quote }}, key: {{ $stores.truststorePasswordKey | quote }}}
{{- end -}}
{{- end -}}

{{/* A TOML string: the placeholder if refs has env, else the plain value. dict refs, env, plain. */}}
{{- define "am.password" -}}
{{- if hasKey .refs .env -}}
"$env{{ "{" }}{{ .env }}}"
{{- else -}}
{{ .plain | toString | quote }}
{{- end -}}
{{- end -}}

{{/* The encryption key is mandatory: a render without one fails. */}}
{{- define "am.encryptionKey" -}}
{{- $plain := .Values.wso2.apim.configurations.encryption.key | toString | trim -}}
{{- $refs := include "am.secretRefs" . | fromYaml -}}
{{- if not (or $plain (hasKey $refs "WSO2_ENCRYPTION_KEY")) -}}
{{- fail "Encryption key is required for symmetric encryption: set wso2.apim.configurations.encryption.key, or existingSecret.secretName with existingSecret.encryptionKeyKey" -}}
{{- end -}}
{{- include "am.password" (dict "refs" $refs "env" "WSO2_ENCRYPTION_KEY" "plain" $plain) -}}
{{- end -}}
