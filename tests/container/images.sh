#!/bin/sh
# Builds the project's Dockerfile with buildah, on a stand-in for its base image: Debian with Python 3.14, and uv from PyPI.
# usage: images.sh FOLDER   (as root, on Debian; the image is localhost/content-plan-workflows)
set -eu
W=${1:?}
PROJECT=$(cd "$(dirname "$0")/../.." && pwd)
STORE="--root $W/store --runroot $W/run --storage-driver vfs"
mkdir -p "$W"

for program in debootstrap buildah podman runc; do
    command -v $program >/dev/null || missing="${missing:-} $program"
done
[ -z "${missing:-}" ] || { apt-get update -qq; apt-get install -y -qq --no-install-recommends $missing; }

if [ ! -e "$W/base.tar" ]; then
    mirror=$(awk '/^URIs:/{print $2; exit} /^deb /{print $2; exit}' /etc/apt/sources.list.d/*.sources /etc/apt/sources.list 2>/dev/null)
    rm -rf "$W/rootfs"
    debootstrap --variant=minbase --include=python3.14,python3.14-venv,ca-certificates,git forky "$W/rootfs" "$mirror" sid
    cp /etc/ssl/certs/ca-certificates.crt "$W/rootfs/etc/ssl/certs/ca-certificates.crt"
    tar -C "$W/rootfs" -cf "$W/base.tar" .
    rm -rf "$W/rootfs"
fi
mkdir -p "$W/uv"
cp "$(command -v uv || echo "$PROJECT/.tools/bin/uv")" "$W/uv/uv"
tar -C "$W/uv" -cf "$W/uv.tar" .

base=$(sed -n 's/^ARG BASE_IMAGE=//p' "$PROJECT/Dockerfile")
podman $STORE import -q --change 'ENV SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt' \
    --change 'ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' "$W/base.tar" "docker.io/$base"
podman $STORE import -q "$W/uv.tar" "$(sed -n 's/^ARG UV_IMAGE=//p' "$PROJECT/Dockerfile")"
git -C "$PROJECT" archive --format=tar HEAD | (rm -rf "$W/context" && mkdir "$W/context" && tar -C "$W/context" -x)
buildah $STORE bud --isolation=chroot --pull=never --format docker \
    --volume /etc/ssl/certs/ca-certificates.crt:/etc/ssl/certs/ca-certificates.crt:ro \
    -t localhost/content-plan-workflows "$W/context"
