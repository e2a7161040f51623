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
