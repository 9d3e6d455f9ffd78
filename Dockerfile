# KPI Pay for a firm: `docker compose up --build` (docs/deploy.md).
# The root of the container may be read-only; it writes to /tmp and to /data, the workspace.

# Packages are built apart: no compiler, no pip cache and no lock file goes along.
FROM python:3.11-slim-bookworm AS packages
COPY requirements-server.txt /
RUN python -m venv /venv \
 && /venv/bin/pip install --no-cache-dir --no-compile --require-hashes -r /requirements-server.txt \
 && /venv/bin/pip uninstall --yes pip setuptools

FROM python:3.11-slim-bookworm
# A font with the sign of the rouble for charts that are taken along. Debian keeps no earlier version
# that could be pinned.
# hadolint ignore=DL3008
RUN apt-get update \
 && apt-get install --yes --no-install-recommends fonts-dejavu-core \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --uid 10001 --user-group --no-create-home --home-dir /tmp --shell /usr/sbin/nologin kpi \
 && install --directory --owner=kpi --group=kpi --mode=0700 /data
COPY --from=packages /venv /venv
WORKDIR /app
COPY .streamlit/config.toml .streamlit/config.toml
COPY sample_data sample_data
COPY kpi_core kpi_core
COPY ui ui
COPY pages pages
COPY app.py LICENSE ./
ENV PATH=/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    KPI_WORKSPACE=/data
# What is imported is compiled here: nothing can be written beside it later.
RUN python -m compileall -q -j 0 /app /venv
ENV PYTHONDONTWRITEBYTECODE=1
USER 10001:10001
VOLUME /data
EXPOSE 8501
# Without the start of a shell; the first import may take a while.
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 \
  CMD ["python", "-c", "import urllib.request as ask; ask.urlopen('http://127.0.0.1:8501/_stcore/health', timeout=4)"]
CMD ["python", "-m", "streamlit", "run", "app.py", "--server.address", "0.0.0.0", "--server.port", "8501", "--server.headless", "true", "--server.fileWatcherType", "none"]
