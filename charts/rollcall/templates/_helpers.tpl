{{- define "rollcall.labels" -}}
app.kubernetes.io/part-of: rollcall
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- /* An image: the root, and its values. */}}
{{- define "rollcall.image" -}}
{{- $image := index . 1 }}
{{- if $image.digest }}{{ $image.repository }}@{{ $image.digest }}
{{- else }}{{ $image.repository }}:{{ default (index . 0).Chart.AppVersion $image.tag }}
{{- end }}
{{- end }}

{{- define "rollcall.kubeVersion" -}}
{{- default .Capabilities.KubeVersion.Version .Values.kubeTargetVersionOverride }}
{{- end }}

{{- /* Labels as ROLLCALL_SERVICE_MONITOR_LABELS has them. */}}
{{- define "rollcall.monitorLabels" -}}
{{- $labels := list }}
{{- range $name, $value := .Values.serviceMonitor.additionalLabels }}
{{- $labels = append $labels (printf "%s=%s" $name $value) }}
{{- end }}
{{- join ";" $labels }}
{{- end }}
