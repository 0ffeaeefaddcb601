"""Outside programs and what runs around them: toolchain, Yosys, lint, build cache and journals."""
