{{/* A [database.*] or [datasource.*] table: dict table, db, and extra lines. */}}
{{- define "is.database" -}}
[{{ .table }}]
{{- with .id }}
id = {{ . | quote }}
{{- end }}
type = {{ .db.type | quote }}
url = {{ .db.url | quote }}
username = {{ .db.username | quote }}
password = {{ .db.password | quote }}
driver = {{ .db.driver | quote }}
{{- if .id }}
jmx_enable = false
{{- end }}
{{- with .db.poolOptions }}
[{{ $.table }}.pool_options]
{{- range $name, $value := . }}
{{ $name }} = {{ $value | quote }}
{{- end }}
{{- end }}
{{ end -}}

{{/* Everything is written in clear: the chart knows no Secret reference but a CSI store. */}}
{{- define "is.deployment.toml" -}}
{{- $toml := .Values.deploymentToml -}}
{{- $since72 := eq (include "is.since72" .) "true" -}}
# Simulated deployment.toml of the Lockstep sandbox.

[server]
hostname = {{ .Values.deployment.ingress.hostName | quote }}
node_ip = "$env{NODE_IP}"
base_path = "https://$ref{server.hostname}:${carbon.management.port}"
offset = {{ $toml.server.offset | quote }}

[transport.https.properties]
proxyPort = {{ $toml.transport.https.properties.proxyPort }}
server = {{ $toml.transport.https.properties.server | quote }}
{{- if $since72 }}
maxHttpHeaderSize = {{ $toml.transport.https.properties.maxHttpHeaderSize | int }}
{{- end }}

[transport.https.sslHostConfig.properties]
protocols = {{ $toml.transport.https.sslHostConfig.properties.protocols | quote }}
ciphers = {{ $toml.transport.https.sslHostConfig.properties.ciphers | quote }}

[super_admin]
username = {{ $toml.superAdmin.username | quote }}
password = {{ $toml.superAdmin.password | quote }}
create_admin_account = {{ $toml.superAdmin.createAdminAccount }}

[identity_mgt]
user_self_registration.callback_url = "https://{{ .Values.deployment.ingress.hostName }}/.*"

[user_store]
type = {{ $toml.userStore.type | quote }}

{{ include "is.database" (dict "table" "database.identity_db" "db" $toml.database.identity) }}
{{ include "is.database" (dict "table" "database.shared_db" "db" $toml.database.shared) }}
{{ include "is.database" (dict "table" "datasource.WSO2ConsentDS" "id" "WSO2CONSENT_DB" "db" $toml.database.consent) }}
{{- if $since72 }}
{{ include "is.database" (dict "table" "datasource.AgentIdentity" "id" "AgentIdentity" "db" $toml.database.agentIdentity) }}
{{- end }}
[authentication.consent]
data_source = "jdbc/WSO2CONSENT_DB"

[realm_manager]
data_source = "WSO2USER_DB"

{{ include "is.database" (dict "table" "database.user" "db" $toml.database.user) }}
{{- range $role := list "tls" "primary" "internal" }}
{{- with index $toml.keystore $role }}
[keystore.{{ $role }}]
file_name = {{ .fileName | quote }}
type = {{ .type | quote }}
password = {{ .password | quote }}
alias = {{ .alias | quote }}
key_password = {{ .keyPassword | quote }}
{{ end }}
{{- end }}
[truststore]
file_name = {{ $toml.truststore.fileName | quote }}
type = {{ $toml.truststore.type | quote }}
password = {{ $toml.truststore.password | quote }}

[account_recovery.endpoint.auth]
hash = {{ $toml.account.recovery.endpoint.auth.hash | quote }}

[identity.auth_framework.endpoint]
app_password = {{ $toml.identity.authFramework.endpoint.appPassword | quote }}
{{ with $toml.clustering }}{{ if .enabled }}
[clustering]
membership_scheme = {{ .membershipScheme | quote }}
domain = {{ .domain | quote }}
local_member_port = {{ .localMemberPort | quote }}
properties.KUBERNETES_NAMESPACE = {{ $.Release.Namespace | quote }}
properties.KUBERNETES_SERVICES = {{ include "is.fullname" $ | quote }}
{{ end }}{{ end -}}
{{- if $since72 }}
[oauth]
authorize_all_scopes = {{ $toml.oauth.authorizeAllScopes }}
{{ end }}
[oauth.token_cleanup]
enable = {{ $toml.oauth.tokenCleanup }}

[oauth.token_generation]
include_username_in_access_token = {{ $toml.oauth.tokenGeneration.includeUsernameInAccessToken }}

[[resource.access_control]]
context = "(.*)/fileupload(.*)"
secure = true
http_method = "all"
permissions = ["/permission/protected/manage/monitor/tenants"]

[identity_mgt.account_locking]
enable_account_locking = {{ $toml.userAccountLock.enabled }}
allowed_failed_attempts = {{ $toml.userAccountLock.loginAttempts.allowedFailedAttempts }}
auto_unlock_time_increment_ratio = {{ $toml.userAccountLock.loginAttempts.autoUnlockTimeIncrementRatio }}
auto_unlock_after = {{ $toml.userAccountLock.loginAttempts.autoUnlockAfter }}
{{ range $kind := list "email" "sms" }}{{ with index $toml.otp $kind }}
[authentication.authenticator.{{ $kind }}_otp]
enable = {{ .enabled }}

[authentication.authenticator.{{ $kind }}_otp.parameters]
usecase = {{ .usecase | quote }}
secondaryUserstore = {{ .secondaryUserstore | quote }}
{{ end }}{{ end }}
[authentication.authenticator.totp]
enable = {{ $toml.totp.enabled }}

[authentication.authenticator.totp.parameters]
encodingMethod = {{ $toml.totp.encodingMethod | quote }}
timeStepSize = {{ $toml.totp.timeStepSize | quote }}
windowSize = {{ $toml.totp.windowSize | quote }}
Issuer = {{ $toml.totp.issuer | quote }}

{{ with $toml.extraConfigs }}{{ . }}
{{ end }}
[encryption]
internal_crypto_provider = "org.wso2.carbon.crypto.provider.SymmetricKeyInternalCryptoProvider"
key = {{ $toml.encryption.key | quote }}
{{ end -}}
