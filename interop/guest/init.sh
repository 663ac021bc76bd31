#!/bin/busybox sh
# The guest's first process: it borrows the files of the machine it runs on, read-only, and carries out what it is told.
bb=/bin/busybox
$bb mount -t devtmpfs devtmpfs /dev
$bb mount -t proc proc /proc
$bb mount -t sysfs sysfs /sys
while read -r module; do $bb insmod "/modules/$module" || echo "guest: no $module"; done < /modules/order
$bb mount -t 9p -o ro,trans=virtio,version=9p2000.L,msize=262144,cache=loose machine /machine || exit 1
for folder in dev proc sys; do $bb mount --move "/$folder" "/machine/$folder"; done
$bb ln -s /proc/self/fd /machine/dev/fd
$bb mount -t tmpfs tmpfs /machine/run
$bb mkdir -p /machine/run/guest/tmp /machine/run/netns /machine/run/wireguard
$bb ip link set lo up
exec 3<> /machine/dev/vport0p1 || exit 1
echo ready >&3
while read -r number limit script <&3; do
  echo "$script" | $bb base64 -d > /machine/run/guest/script
  $bb timeout -s KILL "$limit" $bb chroot /machine /bin/sh /run/guest/script \
    > /machine/run/guest/stdout 2> /machine/run/guest/stderr < /machine/dev/null
  code=$?
  echo "$number $code o$($bb base64 -w 0 /machine/run/guest/stdout) e$($bb base64 -w 0 /machine/run/guest/stderr)" >&3
done
