#!/bin/sh
# First process of the User-Mode-Linux guest (see guest.ts). Puts an overlay in memory over the host's file system,
# which it may only read, sets up the network, runs the peer's start script and stays until it is told to stop.
# Kernel command line: guest_dir=FOLDER on the host, with start.sh in it; guest_addresses=CIDR@DEVICE,…
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root
mount -t proc proc /proc
modules=/usr/lib/uml/modules/$(uname -r)
insmod "$modules/kernel/fs/overlayfs/overlay.ko" 2>/dev/null
mount -t tmpfs tmpfs /mnt
mkdir /mnt/changes /mnt/work /mnt/root
mount -t overlay overlay -o lowerdir=/,upperdir=/mnt/changes,workdir=/mnt/work /mnt/root
cd /mnt/root || exit 1
mkdir -p host lib/modules guest
ln -sfn "$modules" "lib/modules/$(uname -r)"
pivot_root . host
cd /
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t tmpfs tmpfs /run
mount -t devtmpfs devtmpfs /dev
ln -sfn /proc/self/fd /dev/fd
for word in $(cat /proc/cmdline); do
  case $word in
    guest_dir=*) dir=${word#*=} ;;
    guest_addresses=*) addresses=${word#*=} ;;
  esac
done
mount -t hostfs none /guest -o "$dir"
exec >/guest/init.log 2>&1
for module in tun ipv6 xfrm_user xfrm_algo esp4 esp6 gcm ctr cbc ccm ghash-generic seqiv echainiv authenc sha256_generic \
  sha512_generic hmac chacha20poly1305 tunnel4 xfrm4_tunnel af_key; do
  modprobe -q $module
done
ip link set lo up
ip link set vec0 up
for address in $(echo "$addresses" | tr , ' '); do
  case $address in *:*) flag=nodad ;; *) flag= ;; esac
  ip addr add "${address%@*}" dev "${address#*@}" $flag
done
if sh /guest/start.sh >/guest/peer.log 2>&1; then touch /guest/up; else touch /guest/failed; fi
while [ ! -e /guest/stop ]; do sleep 0.2; done
ip -s xfrm state >/guest/xfrm-state.log 2>&1
cat /proc/net/xfrm_stat >/guest/xfrm-stat.log 2>&1
sync
echo o >/proc/sysrq-trigger
sleep 5
