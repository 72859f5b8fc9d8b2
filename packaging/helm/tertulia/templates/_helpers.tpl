{{- define "tertulia.labels" -}}
app.kubernetes.io/name: tertulia
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{- define "tertulia.selector" -}}
app.kubernetes.io/name: tertulia
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "tertulia.config" -}}
{{- $base := dict
  "http" (dict "listen" "[::]:8080" "trusted_proxies" (ternary .Values.ingress.trustedProxies (list) .Values.ingress.enabled))
  "tls" (dict "listen" "[::]:8443" "public_port" 443)
  "media" (dict "single_port" true "udp_port" (int .Values.media.udpPort) "tcp_port" (int .Values.media.tcpPort))
  "metrics" (dict "listen" "[::]:7889")
  "log" (dict "format" "json")
-}}
{{- if .Values.publicAddress -}}
{{- $_ := set $base.media "advertised" (list .Values.publicAddress) -}}
{{- end -}}
{{- range $table, $keys := mustMergeOverwrite $base (deepCopy .Values.config) }}
[{{ $table }}]
{{- range $key, $value := $keys }}
{{ $key }} = {{ if kindIs "float64" $value }}{{ if eq (floor $value) $value }}{{ int64 $value }}{{ else }}{{ $value }}{{ end }}{{ else }}{{ toJson $value }}{{ end }}
{{- end }}
{{ end }}
{{- end }}
