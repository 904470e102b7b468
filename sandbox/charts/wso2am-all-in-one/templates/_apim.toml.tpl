{{/* The API management part of deployment.toml. dict root, node. */}}
{{- define "am.apim.toml" -}}
{{- $root := .root -}}
{{- $service := printf "%s-am-service" (include "am.fullname" $root) -}}
{{- $c := $root.Values.wso2.apim.configurations -}}
[apim]
gateway_type = {{ $c.gatewayType | quote }}
{{ range $c.gateway.environments }}
[[apim.gateway.environment]]
name = {{ .name | quote }}
type = {{ .type | quote }}
gateway_type = {{ .gatewayType | quote }}
provider = {{ .provider | quote }}
display_in_api_console = {{ .displayInApiConsole }}
show_as_token_endpoint_url = {{ .showAsTokenEndpointUrl }}
service_url = "https://{{ .serviceName }}:{{ .servicePort }}/services/"
username = "${admin.username}"
password = "${admin.password}"
http_endpoint = "http://{{ .httpHostname }}"
https_endpoint = "https://{{ .httpHostname }}"
ws_endpoint = "ws://{{ .wsHostname }}"
wss_endpoint = "wss://{{ .wsHostname }}"
websub_event_receiver_http_endpoint = "http://{{ .websubHostname }}"
websub_event_receiver_https_endpoint = "https://{{ .websubHostname }}"
{{ end }}
[apim.sync_runtime_artifacts.gateway]
gateway_labels = {{ $c.syncRuntimeArtifacts.gateway.labels | toJson }}

[apim.key_manager]
{{- if $c.iskm.enabled }}
type = "WSO2-IS"
server_url = "https://{{ $c.iskm.serviceName }}:9443/services/"
{{- else }}
service_url = "https://{{ $service }}:${mgt.transport.https.port}/services/"
{{- end }}
username = "$ref{super_admin.username}"
password = "$ref{super_admin.password}"
enable_lightweight_apikey_generation = {{ $c.keyManager.enableLightweightAPIKeyGeneration }}
allow_subscription_validation_disabling = {{ $c.keyManager.allowSubscriptionValidationDisabling }}
skip_create_resident_key_manager = {{ $c.keyManager.skipCreateResidentKeyManager }}

[oauth.grant_type.token_exchange]
enable = {{ not $c.iskm.enabled }}
allow_refresh_tokens = true
iat_validity_period = "1h"

[oauth.endpoints]
oauth2_jwks_url = {{ $c.oauth_config.oauth2JWKSUrl | quote }}

[apim.oauth_config]
enable_outbound_auth_header = {{ $c.oauth_config.enableOutboundAuthHeader }}
auth_header = {{ $c.oauth_config.authHeader | quote }}
revoke_endpoint = {{ $c.oauth_config.revokeEndpoint | quote }}
enable_token_encryption = {{ $c.oauth_config.enableTokenEncryption }}
enable_token_hashing = {{ $c.oauth_config.enableTokenHashing }}

[oauth.multiple_client_secrets]
enable = {{ $c.oauth_config.multipleClientSecrets.enable }}

[apim.devportal]
url = "https://{{ include "am.host" $root }}/devportal"
mode = {{ $c.devportal.mode | quote }}

[apim.cors]
enable = {{ $c.cors.enabled }}
allow_origins = {{ $c.cors.allowOrigins | toJson }}

[apim.organization_based_access_control]
enable = {{ $c.organization_based_access_control.enabled }}
{{ if $root.Values.wso2.deployment.highAvailability }}
[apim.throttling]
event_duplicate_url = ["tcp://{{ $service }}-{{ sub 3 .node }}:5672"]
throttle_decision_endpoints = ["tcp://localhost:5672"]
{{ end }}
{{- if not $c.iskm.enabled }}{{ range $c.eventListeners }}
[[event_listener]]
id = {{ .id | quote }}
type = {{ .type | quote }}
name = {{ .name | quote }}
order = {{ .order }}

[event_listener.properties]
notification_endpoint = "https://{{ $service }}:${mgt.transport.https.port}/internal/data/v1/notify"
username = "${admin.username}"
password = "${admin.password}"
'header.X-WSO2-KEY-MANAGER' = "default"
{{ end }}{{ end }}
{{- end -}}
