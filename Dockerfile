# A server as an image: built as ./run builds, then only what runs, as a user without rights.
#
#   docker build -t leat .
#   docker run --security-opt seccomp=deploy/seccomp.json -p 8000:8000 -e DATABASE_URL=... -e SECRET_KEY=... leat
#
# Docker's own seccomp profile hides io_uring; deploy/seccomp.json is what the server needs allowed besides. Plugins of your own: build them in
# the first stage, or mount a folder and add `--plugins /plugins`. Migrations: docker run ... leat leat db up

FROM debian:12-slim AS build
WORKDIR /src
COPY . .
RUN apt-get update && tools/setup run \
 && meson setup /build --buildtype=release -Db_lto=true -Dtests=false \
 && ninja -C /build \
 && DESTDIR=/out meson install -C /build --no-rebuild

FROM debian:12-slim
RUN apt-get update \
 && apt-get install -y --no-install-recommends \
      ca-certificates \
      libargon2-1 \
      libbrotli1 \
      libcurl4 \
      libhiredis0.14 \
      libidn2-0 \
      libjansson4 \
      libpcre2-8-0 \
      libpq5 \
      libssl3 \
      libsvm3 \
      liburing2 \
      libutf8proc2 \
      zlib1g \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --uid 1000 --create-home --home-dir /var/lib/leat leat
COPY --from=build /out/usr/local /usr/local
RUN ldconfig
USER 1000
WORKDIR /var/lib/leat
EXPOSE 8000
STOPSIGNAL SIGTERM
CMD ["leat", "run", "--production", "--host", "0.0.0.0", "--port", "8000"]
