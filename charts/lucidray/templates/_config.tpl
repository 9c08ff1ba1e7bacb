{{/* The settings that follow from what the chart mounts; nobody else sets them. */}}
{{- define "lucidray.ownSettings" -}}
core: {data: /var/lib/lucidray, http_host: 0.0.0.0, http_port: 9090, site_key_file: /etc/lucidray/site.key}
{{- with .Values.kafka }}
{{- if .existingSecret }}
bus:
  sasl_password_file: /etc/lucidray/kafka/password
  {{- if .caKey }}
  ssl_cafile: /etc/lucidray/kafka/ca.crt
  {{- end }}
{{- end }}
{{- end }}
store: {access_key_id_file: /etc/lucidray/s3/access-key-id, secret_access_key_file: /etc/lucidray/s3/secret-access-key}
deidentify: {vault_key_file: /etc/lucidray/vault.key}
console: {token_file: /etc/lucidray/console/token}
{{- end }}

{{/* The configuration as the pods of a zone read it: list of root and zone. */}}
{{- define "lucidray.config" -}}
{{- $root := index . 0 -}}
{{- $config := mergeOverwrite (deepCopy $root.Values.config) (include "lucidray.ownSettings" $root | fromYaml) -}}
{{- if eq (index . 1) "analysis" -}}
  {{- $analysis := dict -}}
  {{- range (include "lucidray.analysisSections" $root | fromYaml).sections -}}
    {{- if hasKey $config . -}}{{- $_ := set $analysis . (get $config .) -}}{{- end -}}
  {{- end -}}
  {{- $_ := set $analysis "core" (omit $config.core "site_key_file") -}}
  {{- $_ := set $analysis "store" (omit $config.store "clinical_bucket" "clinical_folder") -}}
  {{- $config = $analysis -}}
{{- end -}}
{{- toYaml $config -}}
{{- end }}

{{/* Digest of what a component reads, so that it rolls when that changes: list of root and component. */}}
{{- define "lucidray.checksum" -}}
{{- $component := include "lucidray.component" . | fromYaml -}}
{{- $config := include "lucidray.config" (list (index . 0) $component.zone) | fromYaml -}}
{{- $read := dict -}}
{{- range concat (list "core" "bus" "store") $component.sections -}}
  {{- if hasKey $config . -}}{{- $_ := set $read . (get $config .) -}}{{- end -}}
{{- end -}}
{{- toJson $read | sha256sum -}}
{{- end }}
