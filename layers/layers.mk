# What `sam build` calls: one target a layer, named as in template.yaml. It passes ARTIFACTS_DIR and nothing about the architecture; that is
# why the template chooses the Makefile by it (ContextPath): x86_64/Makefile or arm64/Makefile say ARCHITECTURE and LAYERS, this folder.
PYTHON ?= python3.13
BUILD = $(PYTHON) "$(LAYERS)/build_layer.py" --architecture $(ARCHITECTURE) --target "$(ARTIFACTS_DIR)"

.PHONY: build-CoreLayer build-ArrowLayer build-MlLayer build-ReportLayer build-PipelineLayer build-LayersBuiltForX86 build-LayersBuiltForArm64

build-CoreLayer:
	$(BUILD) core

build-ArrowLayer:
	$(BUILD) arrow

build-MlLayer:
	$(BUILD) ml

build-ReportLayer:
	$(BUILD) report

build-PipelineLayer:
	$(BUILD) pipeline

# The guard of template.yaml: Lambda refuses an empty layer, so a stack for the other architecture is not made from this build.
build-LayersBuiltForX86:
	$(if $(filter x86_64,$(ARCHITECTURE)),echo x86_64 > "$(ARTIFACTS_DIR)/architecture")

build-LayersBuiltForArm64:
	$(if $(filter arm64,$(ARCHITECTURE)),echo arm64 > "$(ARTIFACTS_DIR)/architecture")
