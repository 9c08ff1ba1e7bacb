{{- define "lucidray.fullname" -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- $full := ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) -}}
{{- /* Room for the longest suffix and for the ordinal and revision that controllers append. */ -}}
{{- default $full .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- end }}

{{/* Labels by which workloads find their pods: list of root and component. They never change. */}}
{{- define "lucidray.selector" -}}
{{- $root := index . 0 -}}
app.kubernetes.io/name: {{ default $root.Chart.Name $root.Values.nameOverride }}
app.kubernetes.io/instance: {{ $root.Release.Name }}
{{- with index . 1 }}
app.kubernetes.io/component: {{ . }}
{{- end }}
{{- end }}

{{/* Labels of every object: list of root and component ("" for what all share). */}}
{{- define "lucidray.labels" -}}
{{- $root := index . 0 -}}
{{ include "lucidray.selector" . }}
app.kubernetes.io/version: {{ $root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ $root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" $root.Chart.Name $root.Chart.Version | replace "+" "_" }}
{{- end }}

{{/* Metadata of an object: list of root, component and name. */}}
{{- define "lucidray.metadata" -}}
{{- $root := index . 0 -}}
name: {{ index . 2 }}
namespace: {{ $root.Release.Namespace }}
labels:
  {{- include "lucidray.labels" (list $root (index . 1)) | nindent 2 }}
{{- end }}

{{/* What a component is: list of root and component. */}}
{{- define "lucidray.component" -}}
{{- index (include "lucidray.components" . | fromYaml) (index . 1) | toYaml -}}
{{- end }}

{{- define "lucidray.image" -}}
{{- $root := index . 0 -}}
{{- $image := $root.Values.image -}}
{{- $target := default (index . 1) (include "lucidray.component" . | fromYaml).image -}}
{{- with $image.registry }}{{ trimSuffix "/" . }}/{{ end -}}
{{ $image.prefix }}-{{ $target }}:{{ default $root.Chart.AppVersion $image.tag }}
{{- end }}
