#!/bin/sh
# The user of every image, always with the same number, and the folder that volumes are mounted on.
set -eu
echo "primeline:x:10001:" >>/etc/group
echo "primeline:x:10001:10001:Primeline:/nonexistent:/usr/sbin/nologin" >>/etc/passwd
mkdir -p /var/lib/primeline/prompts /var/lib/primeline/spool /var/lib/primeline/asterisk
chown -R 10001:10001 /var/lib/primeline
