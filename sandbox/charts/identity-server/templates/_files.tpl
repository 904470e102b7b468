{{/* The files that the chart mounts into the pod: the content of one ConfigMap each. */}}
{{- define "is.docker-entrypoint.sh" -}}
#!/bin/sh
# Entrypoint of the simulated Identity Server: what is mounted below the volumes goes over the server's own files.
set -e
for volume in "${WORKING_DIRECTORY}/wso2-config-volume" "${WORKING_DIRECTORY}/wso2-artifact-volume"; do
  if [ -d "${volume}" ] && [ -n "$(ls -A "${volume}")" ]; then
    cp -RL "${volume}"/* "${WSO2_SERVER_HOME}/"
  fi
done
exec sh "${WSO2_SERVER_HOME}/bin/wso2server.sh" "$@"
{{ end -}}

{{- define "is.log4j2.properties" -}}
# Simulated log4j2.properties of the Lockstep sandbox.
rootLogger.level = INFO
{{ end -}}

{{- define "is.thrift-authentication.xml" -}}
<!-- Simulated thrift-authentication.xml of the Lockstep sandbox. -->
<Server><Hostname>localhost</Hostname><Port>10500</Port></Server>
{{ end -}}
