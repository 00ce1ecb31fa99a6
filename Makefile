# Targets for people; .ci/run is for machines. See CONTRIBUTING.md.

GO    ?= go
TIME  ?= 30s
CLANG ?= clang-22
STRIP ?= llvm-strip-22

# Packages that need no privilege and no kernel.
SEALED = $(shell .ci/sealed)

.PHONY: rows-vm api test check generate uapi testdata fuzz bench bench-objects compat selftests selftests-build selftests-vm vmtest vmtest-all vmtest-lists

test:
	$(GO) test ./...

check:
	@test -z "$$(gofmt -l .)" || { gofmt -l .; exit 1; }
	$(GO) vet ./...
	.ci/scripts
	.ci/staticcheck
	.ci/generated
	$(GO) test ./internal/archtest ./internal/apitest $(SEALED)

generate:
	$(GO) generate ./...

# Rewrites api/skep.txt, the exported API.
api:
	$(GO) test ./internal/apitest -run TestAPI -update

# make uapi INCLUDE=/path/to/usr/include
uapi:
	@test -n "$(INCLUDE)" || { echo 'usage: make uapi INCLUDE=/path/to/usr/include'; exit 2; }
	CLANG=$(CLANG) ./internal/cmd/gensys/uapi/update.sh $(INCLUDE)

# Compiled with relative paths from the source's own folder, so the same bytes
# come out wherever the tree stands.
testdata:
	CLANG=$(CLANG) STRIP=$(STRIP) testdata/build.sh
	CLANG=$(CLANG) STRIP=$(STRIP) elf/testdata/build.sh

fuzz:
	.ci/fuzz $(TIME)

# All rows, some minutes; bench/run.sh -row PATTERN for some.
bench:
	bench/run.sh -json results.json -md RESULTS.md

bench-objects:
	CLANG=$(CLANG) STRIP=$(STRIP) bench/testdata/build.sh

# make vmtest KERNEL=6.12 PKG=./link RUN=TestKprobe
vmtest:
	$(GO) run ./internal/cmd/vmtest $(if $(KERNEL),-kernel $(KERNEL)) $(if $(PKG),-pkg $(PKG)) $(if $(RUN),-run '$(RUN)') $(if $(V),-v)

vmtest-all:
	$(GO) run ./internal/cmd/vmtest -kernel all

# Rewrites the list of tests that pass on each kernel (KERNEL=5.10,7.x for some).
vmtest-lists:
	$(GO) run ./internal/cmd/vmtest -kernel $(or $(KERNEL),all) -ran update

compat:
	SKEP_COMPAT=1 $(GO) test -count=1 -v ./internal/compat

# What each rule of loading gives, with skep and with libbpf, in a guest.
rows-vm:
	internal/compat/rows.sh $(or $(KERNEL),7.x)

# The kernel's own BPF tests, loaded by skep and by libbpf; objects go to
# SELFTESTS. Older kernels have bugs that these tests look for: prefer a guest,
# make selftests-vm KERNEL=7.x, to a machine that is needed.
SELFTESTS ?= .cache/selftests

selftests-build:
	nice internal/compat/selftests/build.sh $(SELFTESTS)

selftests: selftests-build
	SKEP_SELFTESTS=$(abspath $(SELFTESTS)) $(GO) test -count=1 -v -timeout 60m -run 'TestSelftests$$' ./internal/compat

selftests-vm: selftests-build
	internal/compat/selftests/guest.sh $(SELFTESTS) $(or $(KERNEL),7.x) $(SELFTESTS)/$(or $(KERNEL),7.x).txt
