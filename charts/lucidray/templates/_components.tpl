{{/*
The workloads, and what each may have. `sections`: the sections of the configuration that it reads beside
core, bus and store; when one of them changes, the workload rolls. `database`: the variable that takes its URL.
*/}}
{{- define "lucidray.components" -}}
gateway: {zone: clinical, sections: [gateway], key: gateway, database: LUCIDRAY_GATEWAY__DATABASE_URL, siteKey: true}
dispatch: {zone: clinical, sections: [dispatch, bundles, serving], key: dispatch, database: LUCIDRAY_DISPATCH__DATABASE_URL, siteKey: true}
deidentify: {zone: clinical, sections: [deidentify, bundles, serving, worker], key: vault, database: LUCIDRAY_DEIDENTIFY__VAULT_URL, siteKey: true, vaultKey: true}
reidentify: {zone: clinical, sections: [deidentify, bundles, serving, worker], key: vault, database: LUCIDRAY_DEIDENTIFY__VAULT_URL, siteKey: true, vaultKey: true, image: deidentify, args: [reidentify]}
harmonize: {zone: analysis, sections: [harmonize, worker]}
segment: {zone: analysis, sections: [segment, bundles, serving, worker]}
quantify: {zone: analysis, sections: [quantify, bundles, serving, worker]}
predict: {zone: analysis, sections: [predict, bundles, serving, worker]}
explain: {zone: analysis, sections: [explain, bundles, serving, worker]}
encode: {zone: analysis, sections: [encode, worker]}
deliver: {zone: clinical, sections: [deliver, worker], key: deliver, database: LUCIDRAY_DELIVER__DATABASE_URL}
console: {zone: clinical, sections: [console], key: console, database: LUCIDRAY_CONSOLE__DATABASE_URL, siteKey: true, token: true}
{{- end }}

{{/* The sections of the analysis zone's configuration; the clinical zone has all. */}}
{{- define "lucidray.analysisSections" -}}
sections: [core, bus, store, worker, bundles, serving, harmonize, segment, quantify, predict, explain, encode]
{{- end }}
