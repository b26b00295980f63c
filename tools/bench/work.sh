#!/bin/busybox sh
# SPDX-License-Identifier: Apache-2.0
#
# What the Linux guest does from its /init on: 50 fork+exec, a SHA-256, 20 sleeps of 5 ms.
n=0
while [ $n -lt 50 ]; do
    /bin/busybox true
    n=$((n + 1))
done
/bin/busybox head -c 1180000 /bin/busybox | /bin/busybox sha256sum >/sum
n=0
while [ $n -lt 20 ]; do
    /bin/busybox usleep 5000
    n=$((n + 1))
done
/init end
/bin/busybox poweroff -f
