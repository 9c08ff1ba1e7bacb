{{/* The pod of a component, for a Deployment or a StatefulSet: list of root and component. */}}
{{- define "lucidray.pod" -}}
{{- $root := index . 0 -}}
{{- $name := index . 1 -}}
{{- $component := include "lucidray.component" . | fromYaml -}}
{{- $values := index $root.Values $name -}}
metadata:
  labels:
    {{- include "lucidray.selector" . | nindent 4 }}
    lucidray/zone: {{ $component.zone }}
    {{- with $values.podLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  annotations:
    lucidray/config-checksum: {{ include "lucidray.checksum" . }}
    {{- with $values.podAnnotations }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  serviceAccountName: {{ include "lucidray.fullname" $root }}-{{ $name }}
  automountServiceAccountToken: false
  enableServiceLinks: false
  # A worker ends what it computes, or gives it up, within its grace; then it leaves the bus in order.
  terminationGracePeriodSeconds: {{ add 15 (ceil $root.Values.config.worker.grace_seconds) }}
  securityContext:
    runAsNonRoot: true
    runAsUser: 10001
    runAsGroup: 10001
    fsGroup: 10001
    fsGroupChangePolicy: OnRootMismatch
    seccompProfile: {type: RuntimeDefault}
  {{- with $root.Values.image.pullSecrets }}
  imagePullSecrets:
    {{- range . }}
    - name: {{ . }}
    {{- end }}
  {{- end }}
  {{- range $field := list "nodeSelector" "tolerations" "affinity" "priorityClassName" }}
  {{- with index $values $field }}
  {{ $field }}: {{ toYaml . | nindent 4 }}
  {{- end }}
  {{- end }}
  {{- with $values.topologySpreadConstraints }}
  topologySpreadConstraints:
    {{- $own := dict "labelSelector" (dict "matchLabels" (include "lucidray.selector" $ | fromYaml)) }}
    {{- range . }}
    - {{ merge (deepCopy .) $own | toYaml | nindent 6 | trim }}
    {{- end }}
  {{- end }}
  containers:
    - {{ include "lucidray.container" . | nindent 6 | trim }}
  volumes:
    - name: config
      projected:
        defaultMode: 0440
        sources:
          {{- include "lucidray.sources" . | trim | nindent 10 }}
    - name: tmp
      emptyDir: {}
    {{- if ne $name "gateway" }}
    - name: data
      emptyDir: {}
    {{- end }}
    {{- with $values.extraVolumes }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
{{- end }}

{{- define "lucidray.container" -}}
{{- $root := index . 0 -}}
{{- $name := index . 1 -}}
{{- $component := include "lucidray.component" . | fromYaml -}}
{{- $values := index $root.Values $name -}}
name: {{ $name }}
image: {{ include "lucidray.image" . }}
imagePullPolicy: {{ $root.Values.image.pullPolicy }}
{{- with $component.args }}
args: {{ toJson . }}
{{- end }}
env:
  - {name: LUCIDRAY_CONFIG, value: /etc/lucidray/lucidray.yaml}
  {{- if eq $name "gateway" }}
  - {name: LUCIDRAY_GATEWAY__GATEWAY_ID, valueFrom: {fieldRef: {fieldPath: metadata.name}}}
  {{- end }}
  {{- with $component.database }}
  - name: {{ . }}
    valueFrom:
      secretKeyRef:
        name: {{ $root.Values.databases.existingSecret }}
        key: {{ index $root.Values.databases.keys $component.key }}
  {{- end }}
  {{- with $values.extraEnv }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
ports:
  - {name: health, containerPort: 9090}
  {{- if eq $name "gateway" }}
  - {name: dicom, containerPort: {{ int $root.Values.config.gateway.port }}}
  {{- else if eq $name "console" }}
  - {name: http, containerPort: {{ int $root.Values.config.console.port }}}
  {{- end }}
# Libraries for images take their time to load, and the bus may take longer still.
startupProbe: {httpGet: {path: /healthz, port: health}, periodSeconds: 2, failureThreshold: 90}
livenessProbe: {httpGet: {path: /healthz, port: health}, periodSeconds: 10, timeoutSeconds: 5, failureThreshold: 6}
readinessProbe: {httpGet: {path: /readyz, port: health}, periodSeconds: 5, timeoutSeconds: 5}
resources:
  {{- toYaml $values.resources | nindent 2 }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: {drop: [ALL]}
volumeMounts:
  - {name: config, mountPath: /etc/lucidray, readOnly: true}
  - {name: data, mountPath: /var/lib/lucidray}
  - {name: tmp, mountPath: /tmp}
  {{- with $values.extraVolumeMounts }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}

{{/* What is mounted at /etc/lucidray: the zone's configuration, and the secrets of this component alone. */}}
{{- define "lucidray.sources" -}}
{{- $root := index . 0 -}}
{{- $component := include "lucidray.component" . | fromYaml -}}
{{- $s3 := index $root.Values.s3 $component.zone }}
- configMap:
    name: {{ include "lucidray.fullname" $root }}
    items: [{key: {{ $component.zone }}.yaml, path: lucidray.yaml}]
- secret:
    name: {{ $s3.existingSecret }}
    items:
      - {key: {{ $s3.accessKeyIdKey }}, path: s3/access-key-id}
      - {key: {{ $s3.secretAccessKeyKey }}, path: s3/secret-access-key}
{{- with $root.Values.kafka }}
{{- if .existingSecret }}
- secret:
    name: {{ .existingSecret }}
    items:
      - {key: {{ .passwordKey }}, path: kafka/password}
      {{- with .caKey }}
      - {key: {{ . }}, path: kafka/ca.crt}
      {{- end }}
{{- end }}
{{- end }}
{{- if $component.siteKey }}
- secret:
    name: {{ $root.Values.siteKey.existingSecret }}
    items: [{key: {{ $root.Values.siteKey.key }}, path: site.key}]
{{- end }}
{{- if $component.vaultKey }}
- secret:
    name: {{ $root.Values.vaultKey.existingSecret }}
    items: [{key: {{ $root.Values.vaultKey.key }}, path: vault.key}]
{{- end }}
{{- if $component.token }}
- secret:
    name: {{ $root.Values.console.token.existingSecret }}
    items: [{key: {{ $root.Values.console.token.key }}, path: console/token}]
{{- end }}
{{- end }}
