# syntax=docker/dockerfile:1
# Two images from one build:
#   docker build --target controller -t rollcall:VERSION .
#   docker build --target agent -t rollcall-agent:VERSION .
# A release names its base images by digest, and the time of its commit, which is in the SBOMs:
#   docker build --build-arg BUILD_IMAGE=swift@sha256:… --build-arg BASE_IMAGE=debian@sha256:… \
#     --build-arg SOURCE_DATE_EPOCH=$(git log -1 --format=%ct) …
# Executables and SBOMs without an image: docker build --target files --output FOLDER .
ARG BUILD_IMAGE=swift:6.3-bookworm
ARG BASE_IMAGE=debian:bookworm-slim
FROM ${BUILD_IMAGE} AS build
RUN apt-get update \
 && apt-get install -y --no-install-recommends git jq libcurl4-openssl-dev libisal-dev libre2-dev libsnappy-dev libyaml-dev pkg-config \
      python3 python3-venv zlib1g-dev \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /src
# Dependencies change rarely: fetching them first keeps them in their own layer.
COPY Package.swift ./
COPY hack/lib.sh hack/dependencies.txt hack/
RUN bash -c '. hack/lib.sh && pin_dependencies && swift package resolve --force-resolved-versions'
COPY Sources Sources
# SwiftPM needs the folders of test targets even if it does not build them.
COPY Tests Tests
COPY hack hack
# The executables contain the Swift runtime. Without an argument the SBOMs have the time of the build.
ARG SOURCE_DATE_EPOCH
RUN SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(date +%s)} hack/build-release --into /out

FROM scratch AS files
COPY --from=build /out /

# The agent is static and needs no other file.
FROM scratch AS agent
COPY --from=build /out/rollcall-agent /usr/local/bin/rollcall-agent
# Runs as root with two capabilities, see manifests/default/agent.yaml.
ENTRYPOINT ["/usr/local/bin/rollcall-agent"]

# Last, so that a build without --target builds it.
FROM ${BASE_IMAGE} AS controller
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates libcurl4 libisal2 libre2-9 libsnappy1v5 libstdc++6 libyaml-0-2 zlib1g \
 && rm -rf /var/lib/apt/lists/*
COPY --from=build /out/rollcall /usr/local/bin/rollcall
USER 65532:65532
EXPOSE 9750
ENTRYPOINT ["/usr/local/bin/rollcall"]
CMD ["controller"]
