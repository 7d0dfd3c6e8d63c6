# One image for every role; ROTOR_ROLE says what a container does.

FROM node:20-bookworm-slim AS build
WORKDIR /rotor
COPY . .
# Optional dependencies are the embedded Postgres, which a container does without.
RUN npm ci --no-audit --no-fund \
  && npm run build \
  && npm prune --omit=dev --omit=optional --no-audit --no-fund

FROM node:20-bookworm-slim
ENV NODE_ENV=production HOST=0.0.0.0 PORT=8787
WORKDIR /rotor
COPY --from=build /rotor ./
USER node
EXPOSE 8787
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT}/readyz`).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "api/dist/server.js"]
