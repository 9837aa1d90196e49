# syntax=docker/dockerfile:1
# Two images from one build:
#   docker build --target controller -t rollcall .
#   docker build --target agent -t rollcall-agent .
FROM swift:6.3-bookworm AS build
RUN apt-get update \
 && apt-get install -y --no-install-recommends libcurl4-openssl-dev libisal-dev libsnappy-dev libyaml-dev pkg-config zlib1g-dev \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /src
# The dependencies change seldom: fetched before the sources, they stay in a layer of their own.
COPY Package.swift ./
RUN swift package resolve
COPY Sources Sources
# A package with test targets wants their folders, also where they are not built.
COPY Tests Tests
COPY hack hack
# The Swift runtime goes into the executables, so that the images need nothing of Swift.
RUN hack/build-release --into /out

# The agent needs no library and no other file.
FROM scratch AS agent
COPY --from=build /out/rollcall-agent /usr/local/bin/rollcall-agent
# Root, with the two capabilities of the manifest: see manifests/default/agent.yaml.
ENTRYPOINT ["/usr/local/bin/rollcall-agent"]

# The last one, so that it is what a build without --target makes.
FROM debian:bookworm-slim AS controller
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates libcurl4 libisal2 libsnappy1v5 libstdc++6 libyaml-0-2 zlib1g \
 && rm -rf /var/lib/apt/lists/*
COPY --from=build /out/rollcall /usr/local/bin/rollcall
USER 65532:65532
EXPOSE 9750
ENTRYPOINT ["/usr/local/bin/rollcall"]
CMD ["controller"]
