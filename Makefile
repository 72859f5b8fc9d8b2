# make build    the web app and the release binary, target/release/tertulia
# make run      build, then serve on http://localhost:7880
# make test     everything: style, licences, unit tests, real browsers, real SDKs
# make check-fast   what answers within minutes: style, lints, unit tests
# make bench    the figures of docs/benchmarks.md
#
# Needed beforehand: Rust stable by rustup, and Node 20.19 or newer. The rest is installed by apt where we may.

.DEFAULT_GOAL := build
.PHONY: build run web netsim test check-fast bench prerequisites clean

BINARY := target/release/tertulia
WEB_SOURCES := $(shell find web/src web/public web/scripts -type f 2>/dev/null) \
	$(wildcard web/index.html web/vite.config.ts web/tsconfig.json)

build: prerequisites web
	cargo build --release --locked --workspace --bin tertulia

run: build
	$(BINARY) serve

web: web/dist/index.html

# The emulated network of the browser tests; see docs/netsim.md.
netsim:
	cargo build --release --locked --workspace --bin tertulia-netsim

web/node_modules/.package-lock.json: web/package.json web/package-lock.json
	cd web && npm ci --no-audit --no-fund
	@touch $@

web/dist/index.html: web/node_modules/.package-lock.json $(WEB_SOURCES)
	cd web && npm run build
	@touch $@

prerequisites:
	@.ci/prerequisites build

test:
	@.ci/prerequisites test
	cargo xtask ci

check-fast:
	cargo xtask ci --fast

bench: build netsim
	cargo build --release --locked --workspace --bin tertulia-bench
	target/release/tertulia-bench
	cd web && npx vitest run --config e2e/vitest.config.ts --mode figures

clean:
	cargo clean
	rm -rf web/dist web/node_modules
