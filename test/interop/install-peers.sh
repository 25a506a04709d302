#!/bin/bash
# Unpacks the peers that Debian cannot install beside strongSwan into $IPSEC_KIT_PEERS (default: ipsec-kit-peers
# in the temporary folder). Needs a fresh `apt-get update`.
set -euo pipefail
peers=${IPSEC_KIT_PEERS:-${TMPDIR:-/tmp}/ipsec-kit-peers}
if [ -x "$peers/libreswan/usr/libexec/ipsec/pluto" ] && [ -x "$peers/openiked/usr/sbin/iked" ]; then
  echo "peers are in $peers"
  exit 0
fi
mkdir -p "$peers/packages"
chmod 755 "$peers" "$peers/packages"
cd "$peers/packages"
# Without the sandbox user, which may not write here.
apt-get download -qq -o APT::Sandbox::User=root libreswan libldns3 libnss3-tools openiked
for package in libreswan libldns3 libnss3-tools; do dpkg -x "$package"_*.deb ../libreswan; done
dpkg -x openiked_*.deb ../openiked
rm -f ./*.deb
echo "peers are in $peers"
