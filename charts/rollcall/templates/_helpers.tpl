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

{{- /* The groups of files/rules.yaml, with the parameters of files/parameters.yaml and the user's in their place. */}}
{{- define "rollcall.ruleGroups" -}}
{{- $parameters := .Files.Get "files/parameters.yaml" | fromYaml }}
{{- range $name, $value := .Values.prometheusRule.parameters }}
{{- if not (hasKey $parameters $name) }}
{{- fail (printf "prometheusRule.parameters.%s: no parameter has this name; files/parameters.yaml has all" $name) }}
{{- end }}
{{- $_ := set $parameters $name $value }}
{{- end }}
{{- $text := .Files.Get "files/rules.yaml" }}
{{- range $name, $value := omit $parameters "labels" }}
{{- $text = replace (printf "$(%s)" $name) (toString $value) $text }}
{{- end }}
{{- $groups := ($text | fromYaml).groups }}
{{- range $group := $groups }}
{{- range $rule := $group.rules }}
{{- if $rule.alert }}
{{- $_ := set $rule "labels" (merge $rule.labels $parameters.labels) }}
{{- end }}
{{- end }}
{{- end }}
{{- toYaml $groups }}
{{- end }}
