#!/bin/bash
# First process of a machine's namespaces: mounts, addresses and routes; then it waits, and its end ends all of them.
# Variables: MACHINE, FOLDER (its state), ADDRESS and PREFIX, HOST (gateway), ROUTES ("range via" lines), BRIDGE (1: it
# carries the bridge).
set -euo pipefail
hostname "$MACHINE"
mount --make-rshared /

# What the components would write to fixed places goes into the machine's own folder.
for place in /var/log /var/lib/kubelet /var/lib/cni /etc/cni /etc/kueue; do
  mkdir -p "$FOLDER$place" "$place"
  mount --bind "$FOLDER$place" "$place"
done
mount -t tmpfs tmpfs /run
mkdir -p /run/lock /run/netns

# The kubelet insists on these sysctls, which belong to the whole host: show it the values it wants.
for pair in vm/overcommit_memory=1 vm/panic_on_oom=0 kernel/panic=10 kernel/panic_on_oops=1 \
  kernel/keys/root_maxkeys=1000000 kernel/keys/root_maxbytes=25000000; do
  shown="$FOLDER/sysctl/${pair%%=*}"
  mkdir -p "$(dirname "$shown")"
  echo "${pair##*=}" > "$shown"
  mount --bind "$shown" "/proc/sys/${pair%%=*}"
done

ip link set lo up
if [ "$BRIDGE" = 1 ]; then
  ip link add eth0 type bridge
else
  for _ in $(seq 500); do
    ip link show eth0 > /dev/null 2>&1 && break
    sleep 0.02
  done
fi
ip addr add "$ADDRESS/$PREFIX" dev eth0
ip link set eth0 up
# Look-ups must find a route; the host forwards nothing.
ip route add default via "$HOST"
while read -r range via; do
  [ -z "$range" ] || ip route add "$range" via "$via"
done <<< "$ROUTES"
echo 1 > /proc/sys/net/ipv4/ip_forward
touch "$FOLDER/ready"

trap 'exit 0' TERM INT
while :; do
  sleep 3600 &
  wait $! || true
done
