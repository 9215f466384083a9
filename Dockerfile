# Birthmark as one container: `docker build -t birthmark .`, then `docker compose up`, or alone with
# its own PostgreSQL and broker: `docker run -p 8000:8000 -v birthmark:/data birthmark`.
FROM debian:bookworm-slim AS packages
# hadolint ignore=DL3008
RUN apt-get update \
 && apt-get install -y --no-install-recommends python3 python3-venv \
 && rm -rf /var/lib/apt/lists/*
COPY requirements.lock /tmp/requirements.lock
RUN python3 -m venv /opt/birthmark \
 && /opt/birthmark/bin/python -m pip install --no-cache-dir --require-hashes --only-binary :all: --requirement /tmp/requirements.lock
# The pages' libraries come from npm by a lock of their own; Node, which brings them, stays behind.
WORKDIR /build
COPY app/__init__.py app/browser_libraries.py app/system_packages.py app/
COPY app/web/package.json app/web/package-lock.json app/web/node.lock app/web/
RUN /opt/birthmark/bin/python -m app.browser_libraries

FROM debian:bookworm-slim
# libzbar0 gives the second opinion when marks are read, mosquitto serves where no broker is given.
# hadolint ignore=DL3008
RUN apt-get update \
 && apt-get install -y --no-install-recommends python3 libzbar0 mosquitto \
 && rm -rf /var/lib/apt/lists/*
# 1883 is also the user of the eclipse-mosquitto image: in compose.yaml both share the credentials folder.
RUN groupadd --gid 1883 birthmark \
 && useradd --uid 1883 --gid birthmark --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin birthmark \
 && install --directory --owner=birthmark --group=birthmark --mode=700 /data /credentials
COPY --from=packages /opt/birthmark /opt/birthmark
WORKDIR /srv/birthmark
COPY LICENSE alembic.ini ./
COPY app ./app
COPY --from=packages /build/app/web/static/vendor ./app/web/static/vendor
COPY migrations ./migrations
COPY stations ./stations
RUN /opt/birthmark/bin/python -m compileall -q app migrations stations
ENV BIRTHMARK_HTTP_HOST=0.0.0.0 \
    BIRTHMARK_DATA_DIR=/data \
    BIRTHMARK_LOG_FORMAT=json \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
USER 1883:1883
VOLUME ["/data"]
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
    CMD ["/opt/birthmark/bin/python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/healthz', timeout=4)"]
ENTRYPOINT ["/opt/birthmark/bin/python", "-m", "app"]
CMD ["serve"]
