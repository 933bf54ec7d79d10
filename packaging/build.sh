#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# build.sh FOLDER - builds caseload as it is released, without tests; the same sources give the same bytes in any folder.
# With an argument `deb`, also the Debian package: build.sh FOLDER deb
set -eu
source=$(cd "$(dirname "$0")/.." && pwd)
mkdir -p "$1"
folder=$(cd "$1" && pwd)
# Without a compiler cache, which may write other paths.
# The time of everything that is built: that of the newest change.
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git -C "$source" log -1 --format=%ct 2>/dev/null || echo 0)}
export SOURCE_DATE_EPOCH
cmake -S "$source" -B "$folder" -G Ninja -DCMAKE_BUILD_TYPE=RelWithDebInfo -DCMAKE_INSTALL_PREFIX=/usr -DCASELOAD_TESTS=OFF \
    -DCASELOAD_ASSERTIONS=OFF -DCMAKE_C_COMPILER_LAUNCHER= -DCMAKE_C_FLAGS="-ffile-prefix-map=$source=/usr/src/caseload -ffile-prefix-map=$folder=/usr/src/caseload/build" >"$folder/configure.log"
cmake --build "$folder" >"$folder/build.log"
[ "${2:-}" != deb ] || (cd "$folder" && cpack -G DEB >"$folder/cpack.log")
