{{/* What is likely a mistake in the values, one line each, with its remedy. Empty: nothing. */}}
{{- define "lucidray.mistakes" -}}
{{ include "lucidray.mistakes.settings" . }}
{{ include "lucidray.mistakes.config" . }}
{{ include "lucidray.mistakes.secrets" . }}
{{ include "lucidray.mistakes.network" . }}
{{- end }}

{{/* Settings that are the chart's. */}}
{{- define "lucidray.mistakes.settings" -}}
{{- $values := .Values -}}
{{- range $section, $fields := include "lucidray.ownSettings" . | fromYaml -}}
{{- range $field, $_ := $fields }}
{{- if hasKey (default dict (get $values.config $section)) $field }}
config.{{ $section }}.{{ $field }} is set by the chart, which mounts what it names; remove it.
{{- end }}
{{- end }}
{{- end }}
{{- range $section := list "gateway" "dispatch" "deliver" "console" "deidentify" }}
{{- $field := ternary "vault_url" "database_url" (eq $section "deidentify") }}
{{- if hasKey (default dict (get $values.config $section)) $field }}
config.{{ $section }}.{{ $field }} would show a password to everybody who may read ConfigMaps; put the URL into the secret named by databases.existingSecret.
{{- end }}
{{- end }}
{{- if hasKey .Values.config.gateway "gateway_id" }}
config.gateway.gateway_id is each replica's own name; remove it.
{{- end }}
{{- end }}

{{- define "lucidray.mistakes.config" -}}
{{- with .Values.config }}
{{- if ne .bus.kind "kafka" }}
config.bus.kind is {{ .bus.kind }}, which serves one machine; set it to kafka.
{{- else if not .bus.bootstrap_servers }}
config.bus.bootstrap_servers is empty; name some Kafka brokers, e.g. [kafka:9092].
{{- end }}
{{- if hasPrefix "SASL" (default "" .bus.security_protocol) }}
{{- if not (and .bus.sasl_username $.Values.kafka.existingSecret) }}
config.bus.security_protocol is {{ .bus.security_protocol }}; set config.bus.sasl_username, and kafka.existingSecret to a secret with the password.
{{- end }}
{{- end }}
{{- if ne .store.kind "s3" }}
config.store.kind is {{ .store.kind }}, which serves one machine; set it to s3.
{{- else if eq (default "lucidray-clinical" .store.clinical_bucket) (default "lucidray-analysis" .store.analysis_bucket) }}
config.store.clinical_bucket and config.store.analysis_bucket are the same; identified objects need a bucket of their own.
{{- end }}
{{- range $name := list "gateway" "console" }}
{{- $host := (index $.Values.config $name).host }}
{{- if or (hasPrefix "127." $host) (has $host (list "localhost" "::1")) }}
config.{{ $name }}.host is {{ $host }}, where no other pod reaches it; set it to 0.0.0.0.
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{- define "lucidray.mistakes.secrets" -}}
{{- with .Values }}
{{- range $zone, $secret := .s3 }}
{{- if not $secret.existingSecret }}
s3.{{ $zone }}.existingSecret is empty; name a secret with the credentials of the {{ $zone }} zone.
{{- end }}
{{- end }}
{{- if and .s3.clinical.existingSecret (eq (toJson .s3.clinical) (toJson .s3.analysis)) }}
s3.clinical and s3.analysis are the same credentials; the analysis zone must not be able to read identified objects.
{{- end }}
{{- if not .databases.existingSecret }}
databases.existingSecret is empty; name a secret with a SQLAlchemy URL of PostgreSQL for each of: {{ values .databases.keys | sortAlpha | join ", " }}.
{{- end }}
{{- if not .siteKey.existingSecret }}
siteKey.existingSecret is empty; make a key with `lucidray key new site.key`, then `kubectl create secret generic site-key --from-file=site.key`.
{{- end }}
{{- if not .vaultKey.existingSecret }}
vaultKey.existingSecret is empty; make a key with `lucidray key new vault.key`, then `kubectl create secret generic vault-key --from-file=vault.key`.
{{- end }}
{{- if not .console.token.existingSecret }}
console.token.existingSecret is empty, and the console would be open to the network; make a token with `lucidray key new token`, then `kubectl create secret generic console-token --from-file=token`.
{{- end }}
{{- if and .console.ingress.enabled (not .console.ingress.host) }}
console.ingress.host is empty; name the host by which browsers reach the console.
{{- end }}
{{- end }}
{{- end }}

{{- define "lucidray.mistakes.network" -}}
{{- with .Values.networkPolicy }}
{{- if .enabled }}
{{- if not $.Values.pacs.cidrs }}
pacs.cidrs is empty, so nobody may send to the gateway; name the addresses of the PACS, e.g. [192.0.2.10/32].
{{- end }}
{{- range $server := $.Values.config.bus.bootstrap_servers }}
{{- $port := splitList ":" $server | last }}
{{- if not (has $port (include "lucidray.ports" $.Values.networkPolicy.kafka | splitList " ")) }}
networkPolicy.kafka.ports lacks the port of {{ $server }}; add it.
{{- end }}
{{- end }}
{{- with $.Values.config.store.endpoint }}
{{- $url := urlParse . }}
{{- $port := regexFind "[0-9]+$" (regexFind ":[0-9]+$" $url.host) | default (ternary "80" "443" (eq $url.scheme "http")) }}
{{- if not (has $port (include "lucidray.ports" $.Values.networkPolicy.s3 | splitList " ")) }}
networkPolicy.s3.ports lacks port {{ $port }} of config.store.endpoint {{ . }}; add it.
{{- end }}
{{- end }}
{{- range $name := list "kafka" "s3" }}
{{- $rule := index $.Values.networkPolicy $name }}
{{- range $port := $.Values.networkPolicy.database.ports }}
{{- if and (not $rule.to) (has (toString (int $port)) (include "lucidray.ports" $rule | splitList " ")) }}
networkPolicy.{{ $name }}.ports holds {{ int $port }}, a port of the databases, and networkPolicy.{{ $name }}.to is empty: the analysis zone could reach them; narrow networkPolicy.{{ $name }}.to.
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{/* The ports of a rule, separated by blanks. */}}
{{- define "lucidray.ports" -}}
{{- $ports := list -}}
{{- range .ports }}{{ $ports = append $ports (int .) }}{{ end -}}
{{- join " " $ports -}}
{{- end }}
