#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# root.sh BINARY ROOT - makes the root file system of an image: the binary, its libraries, certificates and time zones.
# No shell, no package manager, nothing with setuid.
set -eu
binary=$1
root=$2
mkdir -p "$root/usr/bin" "$root/etc/ssl/certs" "$root/usr/share" "$root/config" "$root/tmp"
chmod 1777 "$root/tmp"
install -m 755 -s "$binary" "$root/usr/bin/caseload"
# Each library where the loader looks for it; links are followed.
ldd "$binary" | sed -n 's/.*=> \(\/[^ ]*\) (.*/\1/p; s/^\t\(\/[^ ]*\) (.*/\1/p' | while read -r library; do
    mkdir -p "$root$(dirname "$library")"
    cp -L --preserve=mode,timestamps "$library" "$root$library"
done
cp -L /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"
cp -a /usr/share/zoneinfo "$root/usr/share/"
printf 'nonroot:x:65532:65532::/tmp:/sbin/nologin\n' >"$root/etc/passwd"
printf 'nonroot:x:65532:\n' >"$root/etc/group"
printf 'hosts: files dns\n' >"$root/etc/nsswitch.conf"
