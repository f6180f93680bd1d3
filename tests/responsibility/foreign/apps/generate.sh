#!/usr/bin/env bash
# Makes ../cdk-v1, ../cdk-v2-naive and ../eks-blueprints again, in a throw-away folder: nothing of this project's own
# .venv and node_modules is used or changed. Needs python3, node and npm. The same input gives the same files.
set -euo pipefail

apps=$(cd "$(dirname "$0")" && pwd)
work=${1:-$(mktemp -d)} # name a folder to keep what was downloaded
mkdir -p "$work/npm"

# What the CDK CLI gives every app unless it is told otherwise, and the look-ups it would have cached
export CDK_CONTEXT_JSON='{"aws:cdk:enable-path-metadata":true,"aws:cdk:enable-asset-metadata":true,"aws:cdk:version-reporting":true}'
export AWS_EC2_METADATA_DISABLED=true JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION=1

python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet -r "$apps/requirements.txt"
cp "$apps"/../../../../bench/peer/package*.json "$apps/eks_blueprints.js" "$work/npm/" # the versions that bench pins
(cd "$work/npm" && npm ci --no-audit --no-fund --ignore-scripts)

out=$(mktemp -d)
CDK_OUTDIR="$out/cdk-v1" "$work/venv/bin/python" "$apps/cdk_v1.py"
CDK_OUTDIR="$out/cdk-v2-naive" "$work/venv/bin/python" "$apps/cdk_v2_naive.py"
(cd "$work/npm" && CDK_OUTDIR="$out/eks-blueprints" node eks_blueprints.js)
for name in cdk-v1 cdk-v2-naive eks-blueprints; do
  python3 "$apps/tidy.py" "$out/$name" "$apps/../$name"
done
