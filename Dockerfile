# The command line, built from this checkout. It runs as the user `node`, in /data.
#   docker build -t narrowcast . && docker run --rm narrowcast contract redis
ARG NODE_VERSION=24.15

FROM node:${NODE_VERSION}-alpine AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts
COPY bin bin
COPY scripts scripts
COPY tsconfig.json tsconfig.build.json ./
COPY src src
RUN npm run build

# What it needs to run is JavaScript alone, so nothing is compiled for this system. Clients of
# brokers are optional peers: they come as the lock file has them.
FROM node:${NODE_VERSION}-alpine AS install
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --ignore-scripts
COPY --from=build /app/node_modules/@redis/client node_modules/@redis/client
COPY --from=build /app/node_modules/amqplib node_modules/amqplib
COPY --from=build /app/node_modules/@platformatic/kafka node_modules/@platformatic/kafka
COPY --from=build /app/node_modules/@platformatic/dynamic-buffer node_modules/@platformatic/dynamic-buffer
COPY --from=build /app/node_modules/@platformatic/wasm-utils node_modules/@platformatic/wasm-utils
COPY --from=build /app/node_modules/ajv node_modules/ajv
COPY --from=build /app/node_modules/ajv-draft-04 node_modules/ajv-draft-04
COPY --from=build /app/node_modules/avsc node_modules/avsc
COPY --from=build /app/node_modules/debug node_modules/debug
COPY --from=build /app/node_modules/fast-deep-equal node_modules/fast-deep-equal
COPY --from=build /app/node_modules/fast-uri node_modules/fast-uri
COPY --from=build /app/node_modules/fastq node_modules/fastq
COPY --from=build /app/node_modules/json-schema-traverse node_modules/json-schema-traverse
COPY --from=build /app/node_modules/mnemonist node_modules/mnemonist
COPY --from=build /app/node_modules/ms node_modules/ms
COPY --from=build /app/node_modules/obliterator node_modules/obliterator
COPY --from=build /app/node_modules/require-from-string node_modules/require-from-string
COPY --from=build /app/node_modules/reusify node_modules/reusify
COPY --from=build /app/node_modules/scule node_modules/scule
COPY --from=build /app/dist dist
RUN find . -type f \( -name '*.map' -o -name '*.d.ts' -o -name '*.d.mts' -o -name '*.d.cts' \) -delete

FROM node:${NODE_VERSION}-alpine
ENV NODE_ENV=production
RUN mkdir /data && chown node:node /data
WORKDIR /data
COPY --from=install /app /app
COPY bin/narrowcast.cjs bin/nodeVersion.cjs bin/start.cjs /app/bin/
USER node
ENTRYPOINT ["node", "/app/bin/narrowcast.cjs"]
CMD ["--help"]
