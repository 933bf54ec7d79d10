# SPDX-License-Identifier: Apache-2.0
# docker build -t caseload .    The image has the binary, its libraries, certificates and time zones; no shell.
FROM debian:12-slim AS build
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates cmake gcc libc6-dev libcurl4-openssl-dev \
    libgrpc-dev libisal-dev libjansson-dev libmicrohttpd-dev libprotobuf-c-dev libssl-dev ninja-build pkg-config protobuf-c-compiler protobuf-compiler \
    python3-minimal tzdata zlib1g-dev && rm -rf /var/lib/apt/lists/*
COPY . /usr/src/caseload
ARG SOURCE_DATE_EPOCH=0
RUN cd /usr/src/caseload && packaging/build.sh /build && packaging/root.sh /build/src/app/caseload /root-of-image

FROM scratch
ARG VERSION=unreleased
ARG REVISION=unknown
LABEL org.opencontainers.image.title="caseload" \
      org.opencontainers.image.description="Loads a support desk into BigQuery" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION"
COPY --from=build /root-of-image/ /
USER 65532:65532
STOPSIGNAL SIGTERM
ENTRYPOINT ["/usr/bin/caseload"]
CMD ["serve", "--config", "/config/caseload.json"]
