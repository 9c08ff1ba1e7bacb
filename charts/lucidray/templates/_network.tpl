{{/*
Who may talk to a component, and whom it may talk to; all else is denied: list of root and component.
The analysis zone reaches the bus, the object store and name service, and nothing else.
*/}}
{{- define "lucidray.networkPolicy" -}}
{{- $root := index . 0 -}}
{{- $name := index . 1 -}}
{{- $policy := $root.Values.networkPolicy -}}
{{- $component := include "lucidray.component" . | fromYaml -}}
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  {{- include "lucidray.metadata" (list $root $name (printf "%s-%s" (include "lucidray.fullname" $root) $name)) | nindent 2 }}
spec:
  podSelector:
    matchLabels:
      {{- include "lucidray.selector" . | nindent 6 }}
  policyTypes: [Ingress, Egress]
  ingress:
    - ports: [{protocol: TCP, port: health}]
      {{- with $policy.metrics.from }}
      from: {{ toYaml . | nindent 8 }}
      {{- end }}
    {{- if and (eq $name "gateway") $root.Values.pacs.cidrs }}
    - ports: [{protocol: TCP, port: dicom}]
      from: {{ include "lucidray.pacs" $root | nindent 8 }}
    {{- else if eq $name "console" }}
    - ports: [{protocol: TCP, port: http}]
      {{- with $policy.console.from }}
      from: {{ toYaml . | nindent 8 }}
      {{- end }}
    {{- end }}
  egress:
    {{- include "lucidray.egress" (list $policy.dns (list "UDP" "TCP")) | nindent 4 }}
    {{- include "lucidray.egress" (list $policy.kafka (list "TCP")) | nindent 4 }}
    {{- include "lucidray.egress" (list $policy.s3 (list "TCP")) | nindent 4 }}
    {{- if $component.database }}
    {{- include "lucidray.egress" (list $policy.database (list "TCP")) | nindent 4 }}
    {{- end }}
    {{- if and (eq $name "deliver") $root.Values.config.deliver.destinations $root.Values.pacs.cidrs }}
    {{- $ports := list }}
    {{- range $root.Values.config.deliver.destinations }}
    {{- $ports = append $ports (int .port) }}
    {{- end }}
    - to: {{ include "lucidray.pacs" $root | nindent 8 }}
      ports:
        {{- range uniq $ports }}
        - {protocol: TCP, port: {{ . }}}
        {{- end }}
    {{- end }}
{{- end }}

{{/* One rule of egress: list of {to, ports} and protocols. Without `to`: anywhere, but on these ports alone. */}}
{{- define "lucidray.egress" -}}
{{- $rule := index . 0 -}}
{{- $protocols := index . 1 -}}
- ports:
    {{- range $port := $rule.ports }}
    {{- range $protocols }}
    - {protocol: {{ . }}, port: {{ int $port }}}
    {{- end }}
    {{- end }}
  {{- with $rule.to }}
  to: {{ toYaml . | nindent 4 }}
  {{- end }}
{{- end }}

{{/* The addresses of the PACS as peers. */}}
{{- define "lucidray.pacs" -}}
{{- range .Values.pacs.cidrs }}
- ipBlock: {cidr: {{ . }}}
{{- end }}
{{- end }}
