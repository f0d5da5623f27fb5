# The front door.  Everything is built by meson below build*/; see docs/building.md.
MESON ?= meson
.PHONY: all deps test demo bench fuzz lint crash install clean

all: build/build.ninja
	@ninja -C build
build/build.ninja:
	$(MESON) setup build

deps:
	@tools/deps
test: all
	@tools/run_tests
demo: all
	@tests/world/demo
crash: all
	@tests/crash/run --cycles $${CYCLES:-300}
bench: all
	@bench/run
fuzz:
	@tools/run_fuzz
lint:
	@tools/lint
install: all
	$(MESON) install -C build
clean:
	rm -rf build build-*
