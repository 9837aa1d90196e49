"""Renders the chart with Helm's engine. See hack/render-chart."""

import argparse
import json
import pathlib
import sys

import helm_python as helm
import yaml

CHART = "charts/rollcall"


def merged(base, other):
    """The values of two files, as Helm merges them."""
    for key, value in other.items():
        base[key] = merged(dict(base[key]), value) if isinstance(value, dict) and isinstance(base.get(key), dict) else value
    return base


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--namespace", default="rollcall")
    parser.add_argument("--lint", action="store_true")
    parser.add_argument("values", nargs="*")
    options = parser.parse_args()
    values = {}
    for path in options.values:
        with open(path) as file:
            values = merged(values, yaml.safe_load(file) or {})
    if options.lint:
        report = helm.lint(CHART, values, strict=True, namespace=options.namespace)
        print(json.dumps(report["messages"]))
        # Severity 2 is a warning; 1 asks for an icon.
        sys.exit(1 if report["errors"] or any(message["severity"] >= 2 for message in report["messages"]) else 0)
    with helm.Chart.load(CHART) as chart:
        chart.validate_schema(values)
        rendered = chart.render(values, name="rollcall", namespace=options.namespace, is_install=True)
    # The engine renders templates only.
    for path in sorted(pathlib.Path(CHART, "crds").glob("*.yaml")):
        print("---\n" + path.read_text())
    for name, text in sorted(rendered.items()):
        if name.endswith("NOTES.txt"):
            text = "".join("# %s\n" % line for line in text.splitlines())
        print(text)


if __name__ == "__main__":
    try:
        main()
    except helm.HelmError as error:
        sys.exit("error: %s" % error)
