# One image per role: docker build --target gateway . Nothing secret is built in; none runs as root.
FROM python:3.12-slim AS tools
WORKDIR /src
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 UV_LINK_MODE=copy UV_NO_PROGRESS=1
COPY requirements.build.lock ./
RUN python -m venv /opt/dockledger \
 && /opt/dockledger/bin/pip install --no-cache-dir -q --require-hashes -r requirements.build.lock
COPY . .

FROM tools AS build-edge
RUN /opt/dockledger/bin/uv pip install --no-cache -q -p /opt/dockledger/bin/python \
    --no-build-isolation -c requirements.lock '.[edge]' \
 && /opt/dockledger/bin/uv pip uninstall -q -p /opt/dockledger/bin/python uv setuptools

FROM tools AS build-server
RUN /opt/dockledger/bin/uv pip install --no-cache -q -p /opt/dockledger/bin/python \
    --no-build-isolation -c requirements.lock '.[server]' \
 && /opt/dockledger/bin/uv pip uninstall -q -p /opt/dockledger/bin/python uv setuptools

FROM tools AS build-simulate
RUN /opt/dockledger/bin/uv pip install --no-cache -q -p /opt/dockledger/bin/python \
    --no-build-isolation -c requirements.lock '.[edge,sim]' \
 && /opt/dockledger/bin/uv pip uninstall -q -p /opt/dockledger/bin/python uv setuptools

FROM python:3.12-slim AS base
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin dockledger
ENV PATH=/opt/dockledger/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    DOCKLEDGER_HOME=/state
WORKDIR /state
USER 10001
ENTRYPOINT ["dockledger"]

FROM base AS edge
COPY --from=build-edge /opt/dockledger /opt/dockledger
CMD ["edge", "--config", "/etc/dockledger/site.toml"]

FROM base AS gateway
COPY --from=build-server /opt/dockledger /opt/dockledger
CMD ["gateway", "--config", "/etc/dockledger/site.toml"]

FROM base AS worker
COPY --from=build-server /opt/dockledger /opt/dockledger
CMD ["worker", "--config", "/etc/dockledger/site.toml"]

FROM base AS simulate
COPY --from=build-simulate /opt/dockledger /opt/dockledger
CMD ["simulate", "--config", "/etc/dockledger/site.toml"]

FROM base AS api
COPY --from=build-server /opt/dockledger /opt/dockledger
EXPOSE 8080
CMD ["api", "--config", "/etc/dockledger/site.toml"]
