# friskey alone on a small base with a shell, which CI systems need to run their steps. It starts no other
# program: git is not needed to read repositories.
FROM rust:1.93-alpine AS build
RUN apk add --no-cache musl-dev
WORKDIR /src
COPY . .
RUN cargo build --release --locked

FROM alpine:3.22
RUN adduser -D -u 65532 friskey
COPY --from=build /src/target/release/friskey /usr/local/bin/friskey
USER friskey
WORKDIR /repo
CMD ["friskey", "--help"]
