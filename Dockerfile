# syntax=docker/dockerfile:1
# Two images from one build:
#   docker build --target controller -t rollcall .
#   docker build --target agent -t rollcall-agent .
FROM swift:6.3-bookworm AS build
RUN apt-get update \
 && apt-get install -y --no-install-recommends libcurl4-openssl-dev libisal-dev libre2-dev libsnappy-dev libyaml-dev pkg-config zlib1g-dev \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /src
# Dependencies change rarely: fetching them first keeps them in their own layer.
COPY Package.swift ./
RUN swift package resolve
COPY Sources Sources
# SwiftPM needs the folders of test targets even if it does not build them.
COPY Tests Tests
COPY hack hack
# The executables contain the Swift runtime.
RUN hack/build-release --into /out

# The agent is static and needs no other file.
FROM scratch AS agent
COPY --from=build /out/rollcall-agent /usr/local/bin/rollcall-agent
# Runs as root with two capabilities, see manifests/default/agent.yaml.
ENTRYPOINT ["/usr/local/bin/rollcall-agent"]

# Last, so that a build without --target builds it.
FROM debian:bookworm-slim AS controller
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates libcurl4 libisal2 libre2-9 libsnappy1v5 libstdc++6 libyaml-0-2 zlib1g \
 && rm -rf /var/lib/apt/lists/*
COPY --from=build /out/rollcall /usr/local/bin/rollcall
USER 65532:65532
EXPOSE 9750
ENTRYPOINT ["/usr/local/bin/rollcall"]
CMD ["controller"]
