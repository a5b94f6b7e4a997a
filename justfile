# Nothing else is needed to work on the code.

# Formatting, lints and docs, as CI runs them.
lint:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets -- -D warnings
    RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps

# All tests; set OOS_CORPUS to run the official templates too.
test:
    cargo test --workspace

# Both.
verify: lint test

# Official Python clients against the loopback server; needs python3 with venv and pip.
judges:
    judges/run

# Writes golden files anew; read the difference before you commit it.
bless:
    OOS_BLESS=1 cargo test --workspace

# The engine against the hand-written floor.
bench:
    cargo bench -p oos-benches
