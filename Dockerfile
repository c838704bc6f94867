# docker build -t offramp .
# docker run --rm offramp demo
# docker run --rm -v "$PWD:/work" offramp predict --model my-model texts.txt
#
# Two stages: the first makes the Debian package, the second installs it, so that
# the image holds what the package depends on and nothing that builds it.
FROM debian:bookworm-slim AS build
RUN apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y \
        --no-install-recommends gcc libc6-dev cmake ninja-build pkg-config dpkg-dev file \
        libjansson-dev libutf8proc-dev libpcre2-dev zlib1g-dev liblzma-dev
WORKDIR /source
COPY . .
# The commit for `offramp doctor`; --build-arg COMMIT=$(git rev-parse --short HEAD)
ARG COMMIT=
RUN cmake -S . -B build -G Ninja -DCMAKE_BUILD_TYPE=Release -DCMAKE_INSTALL_PREFIX=/usr \
        -DOFR_TESTS=OFF "-DOFR_COMMIT=$COMMIT" \
    && cmake --build build \
    && cd build && cpack -G DEB && mv offramp_*.deb /offramp.deb

FROM debian:bookworm-slim
# --build-arg EXTRA=gnuplot-nox adds the charts of reports.
ARG EXTRA=
COPY --from=build /offramp.deb /tmp/offramp.deb
RUN apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y \
        --no-install-recommends /tmp/offramp.deb $EXTRA \
    && rm -rf /var/lib/apt/lists/* /tmp/offramp.deb \
    && useradd --uid 1000 --create-home offramp \
    && mkdir /work && chown offramp:offramp /work
USER offramp
WORKDIR /work
ENTRYPOINT ["offramp"]
CMD ["--help"]
