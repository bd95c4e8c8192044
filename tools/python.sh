#!/bin/sh
# Runs its arguments with the first Python >= 3.8 that really works: a name on PATH may be a pyenv shim that only fails.
for name in python3 python3.13 python3.12 python3.11 python3.10 python3.14 python3.9 python3.8 python; do
    if "$name" -c 'import sys; sys.exit(sys.version_info < (3, 8))' >/dev/null 2>&1; then
        exec "$name" "$@"
    fi
done
if command -v uv >/dev/null 2>&1; then
    UV_PYTHON_INSTALL_DIR="$(dirname "$0")/../.tools/python"
    export UV_PYTHON_INSTALL_DIR
    exec uv run --quiet --no-project --python '>=3.10,<3.14' python "$@"
fi
echo "No working Python 3.8 or newer, and no uv, was found on PATH: install one of them (Debian and Ubuntu:" >&2
echo "apt-get install python3 python3-venv), then run the same command again." >&2
exit 1
