{{- define "am.docker-entrypoint.sh" -}}
#!/bin/bash
# Entrypoint of the simulated API Manager: what is mounted below the volumes goes over the server's own files.
set -e
database=WSO2CARBON_DB.mv.db
if [ ! -f "/home/wso2carbon/solr/database/${database}" ]; then
  cp "${WSO2_SERVER_HOME}/repository/database/${database}" /home/wso2carbon/solr/database/
fi
for volume in "${WORKING_DIRECTORY}/wso2-config-volume" "${WORKING_DIRECTORY}/wso2-artifact-volume"; do
  if [ -d "${volume}" ] && [ -n "$(ls -A "${volume}")" ]; then
    cp -RL "${volume}"/* "${WSO2_SERVER_HOME}/"
  fi
done
exec sh "${WSO2_SERVER_HOME}/bin/api-manager.sh" "$@"
{{ end -}}

{{- define "am.log4j2.properties" -}}
# Simulated log4j2.properties of the Lockstep sandbox.
rootLogger.level = INFO
{{ end -}}

{{/* A certificate that no server here has: the default of the chart only fits the product's own stores. */}}
{{- define "am.ca.crt" -}}
-----BEGIN CERTIFICATE-----
MIIBpjCCAUugAwIBAgIUILLasgZZ7uQTSjO+nNI99qZwiZEwCgYIKoZIzj0EAwIw
KDEmMCQGA1UEAwwdc2ltdWxhdGVkIGRlZmF1bHQgY2VydGlmaWNhdGUwHhcNMjYx
MTIyMDYyNTIzWhcNMzYxMTE5MDYyNTIzWjAoMSYwJAYDVQQDDB1zaW11bGF0ZWQg
ZGVmYXVsdCBjZXJ0aWZpY2F0ZTBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABGrR
4GBxTmpI8Wl+ww6RU5ZBXucOEphv1ANOdqxyXkYefJoQ0+rbGFy4agSFVwMEJNzi
cMRs+8uaNPMslyfKW/yjUzBRMB0GA1UdDgQWBBSDhtG1rUEGgsgvcvmYWqJMWQ2n
7jAfBgNVHSMEGDAWgBSDhtG1rUEGgsgvcvmYWqJMWQ2n7jAPBgNVHRMBAf8EBTAD
AQH/MAoGCCqGSM49BAMCA0kAMEYCIQD8t5GImtbwwSGTp71NXqdfEQgNl1IDhqO/
JnxKxNTTpAIhAPy21e5hzlwGi68H1UuWolrMQxHFTSLEUTJVEl+uiDOV
-----END CERTIFICATE-----
{{ end -}}
