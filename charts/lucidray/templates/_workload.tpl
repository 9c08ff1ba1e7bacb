{{/* Everything that a stateless component is made of: list of root and component. */}}
{{- define "lucidray.deployment" -}}
{{- $root := index . 0 -}}
{{- $name := index . 1 -}}
{{ include "lucidray.companions" . }}
---
apiVersion: apps/v1
kind: Deployment
metadata:
  {{- include "lucidray.metadata" (list $root $name (printf "%s-%s" (include "lucidray.fullname" $root) $name)) | nindent 2 }}
spec:
  replicas: {{ int (index $root.Values $name).replicas }}
  selector:
    matchLabels:
      {{- include "lucidray.selector" . | nindent 6 }}
  template:
    {{- include "lucidray.pod" . | nindent 4 }}
{{- end }}

{{/* What every workload has beside it: account, disruption budget, network policy. */}}
{{- define "lucidray.companions" -}}
{{- $root := index . 0 -}}
{{- $name := index . 1 -}}
{{- $full := printf "%s-%s" (include "lucidray.fullname" $root) $name -}}
apiVersion: v1
kind: ServiceAccount
metadata:
  {{- include "lucidray.metadata" (list $root $name $full) | nindent 2 }}
automountServiceAccountToken: false
{{- if gt (int (index $root.Values $name).replicas) 1 }}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  {{- include "lucidray.metadata" (list $root $name $full) | nindent 2 }}
spec:
  maxUnavailable: 1
  selector:
    matchLabels:
      {{- include "lucidray.selector" . | nindent 6 }}
{{- end }}
{{- if $root.Values.networkPolicy.enabled }}
---
{{ include "lucidray.networkPolicy" . }}
{{- end }}
{{- end }}
