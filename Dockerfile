# Pregão in a container, for amd64 and arm64: docker build -t pregao .
# The builder has all that building takes; the image only what running takes.
FROM swift:6.3-bookworm AS builder
WORKDIR /src
COPY scripts/setup scripts/packages.txt scripts/requirements.txt scripts/
RUN scripts/setup
COPY Package.swift Makefile ./
COPY Sources Sources
COPY Tests Tests
COPY Benchmarks Benchmarks
RUN swift build -c release --product pregao
# The layout that the program finds its parts in: libraries in ../lib, Swift's own among them, the engine beside it.
RUN mkdir -p /opt/pregao/bin /opt/pregao/lib \
 && cp .build/release/pregao /opt/pregao/bin/ \
 && cp -r .build/release/*.resources /opt/pregao/bin/ \
 && cp -r .deps/duckdb /opt/pregao/bin/ \
 && cp .deps/pyarrow/libarrow.so.* .deps/pyarrow/libarrow_s3.so.* .deps/pyarrow/libparquet.so.* /opt/pregao/lib/ \
 && ldd .build/release/pregao | awk '$3 ~ "/swift/linux/" { print $3 }' | xargs cp --target-directory=/opt/pregao/lib \
 && strip /opt/pregao/bin/pregao

FROM debian:bookworm-slim
COPY scripts/packages-runtime.txt /tmp/packages.txt
RUN apt-get update -qq \
 && sed 's/#.*//' /tmp/packages.txt | xargs apt-get install -y -qq --no-install-recommends > /dev/null \
 && rm -rf /var/lib/apt/lists/* /tmp/packages.txt \
 && useradd --uid 10001 --home-dir /var/lib/pregao --create-home --shell /usr/sbin/nologin pregao
COPY --from=builder /opt/pregao /opt/pregao
ENV PATH=/opt/pregao/bin:$PATH \
    PREGAO_DATA=/var/lib/pregao \
    PREGAO_OPERATIONS_ADDRESS=0.0.0.0 \
    PREGAO_OPERATIONS_PORT=9464
USER pregao
WORKDIR /var/lib/pregao
VOLUME /var/lib/pregao
EXPOSE 9464 8642
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 \
  CMD ["curl", "--fail", "--silent", "--show-error", "--output", "/dev/null", "http://127.0.0.1:9464/healthz"]
ENTRYPOINT ["pregao"]
CMD ["run"]
