# The daemon as an image: built once in a virtual environment, run by a user who owns nothing.
#
# torch comes from the index that pip is set up with, and brings its CUDA libraries: about 5 GB. For an image without
# them, name the index that has torch's CPU builds: docker build --build-arg TORCH_INDEX_URL=... .

FROM python:3.11.14-slim-bookworm AS build

ARG TORCH_INDEX_URL=""
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /opt/streamer
ENV PATH=/opt/streamer/bin:$PATH
WORKDIR /src

# The big layers first: they change only with the pins.
COPY constraints.txt ./
RUN pip install ${TORCH_INDEX_URL:+--index-url "$TORCH_INDEX_URL"} -c constraints.txt torch
COPY pyproject.toml README.md LICENSE ./
COPY connectors connectors
COPY models models
COPY streamer streamer
RUN pip install -c constraints.txt '.[parquet]'

# Real data to try the daemon with, at a path that no Python version is part of.
RUN ln -s "$(python -c 'from importlib.util import find_spec; print(find_spec("river").submodule_search_locations[0])')" /opt/streamer/river


FROM python:3.11.14-slim-bookworm

RUN useradd --system --uid 10001 --home-dir /tmp --shell /usr/sbin/nologin streamer \
    && install --directory --owner=10001 /var/lib/streamer
COPY --from=build /opt/streamer /opt/streamer
ENV PATH=/opt/streamer/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
# Mount something that lasts here: without its checkpoints a group that has committed offsets does not start.
ENV STREAMER_CHECKPOINTS=/var/lib/streamer/checkpoints STREAMER_SHELF=/var/lib/streamer/artifacts
USER 10001
EXPOSE 9464

# The loop moved, says the daemon; a connection refused or a 503 raises, and that is unhealthy.
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:9464/-/healthy', timeout=4)"]

ENTRYPOINT ["streamer"]
CMD ["--help"]
