{{/* The server's configuration. dict root, node. */}}
{{- define "am.deployment.toml" -}}
{{- $root := .root -}}
{{- $full := include "am.fullname" $root -}}
{{- $apim := $root.Values.wso2.apim -}}
{{- $c := $apim.configurations -}}
{{- $refs := include "am.secretRefs" $root | fromYaml -}}
# Simulated deployment.toml of the Lockstep sandbox.

[server]
hostname = {{ include "am.host" $root | quote }}
node_ip = "$env{NODE_IP}"
base_path = "${carbon.protocol}://${carbon.host}:${carbon.management.port}"
offset = {{ $apim.portOffset }}
server_role = "default"

[super_admin]
username = {{ $c.adminUsername | quote }}
password = {{ include "am.password" (dict "refs" $refs "env" "WSO2_ADMIN_PASSWORD" "plain" $c.adminPassword) }}
create_admin_account = true

[user_store]
type = {{ $c.userStore.type | quote }}
{{- range $name, $value := $c.userStore.properties }}
{{ $name }} = {{ $value | quote }}
{{- end }}

[encryption]
internal_crypto_provider = {{ $c.encryption.internalCryptoProvider | quote }}
key = {{ include "am.encryptionKey" $root }}

[system.parameter]
"org.wso2.CipherTransformation" = {{ $c.encryption.cipherTransformation | quote }}
{{ range $db, $env := dict "apim_db" "WSO2_APIM_DB_PASSWORD" "shared_db" "WSO2_SHARED_DB_PASSWORD" }}
{{- $one := index $c.databases $db }}
[database.{{ $db }}]
type = {{ $c.databases.type | quote }}
driver = {{ $c.databases.jdbc.driver | quote }}
url = {{ $one.url | quote }}
username = {{ $one.username | quote }}
password = {{ include "am.password" (dict "refs" $refs "env" $env "plain" $one.password) }}

[database.{{ $db }}.pool_options]
{{- range $name, $value := $one.poolParameters }}
{{ $name }} = {{ $value | toString | quote }}
{{- end }}
{{ end }}
[database.local]
url = "jdbc:h2:./repository/database/WSO2CARBON_DB;DB_CLOSE_ON_EXIT=FALSE"

[keystore]
userstore_password_encryption = ""
{{ range $role := list "primary" "tls" "internal" }}
{{- with index $c.security.keystores $role }}{{ if .enabled }}
[keystore.{{ $role }}]
type = "JKS"
file_name = {{ .name | quote }}
alias = {{ .alias | quote }}
password = {{ include "am.password" (dict "refs" $refs "env" (printf "WSO2_%s_KEYSTORE_PASSWORD" (upper $role)) "plain" .password) }}
key_password = {{ include "am.password" (dict "refs" $refs "env" (printf "WSO2_%s_KEYSTORE_KEY_PASSWORD" (upper $role)) "plain" .keyPassword) }}
{{ end }}{{ end }}
{{- end }}
[truststore]
type = "JKS"
file_name = {{ $c.security.truststore.name | quote }}
password = {{ include "am.password" (dict "refs" $refs "env" "WSO2_TRUSTSTORE_PASSWORD" "plain" $c.security.truststore.password) }}

[transport.http]
properties.port = {{ add 9763 $apim.portOffset }}
properties.proxyPort = 80

[transport.https]
properties.port = {{ add 9443 $apim.portOffset }}
properties.proxyPort = 443
{{ include "am.apim.toml" . }}
{{- with $c.extraConfigs }}
{{ . }}
{{ end }}
{{- end -}}
