# The runner mounts the workspace, sets the working directory and expects root: no stage may set a user or a working directory.
ARG BASE_IMAGE=python:3.13-slim-trixie

FROM ${BASE_IMAGE} AS build
# Where npm packages come from, if not from the public registry; D3 is held against its hash wherever it comes from.
ARG NPM_CONFIG_REGISTRY=""
COPY requirements/runtime.txt scripts/fetch_d3.py /build/
RUN python -m venv /build/tools \
 && python -m venv --without-pip /opt/faultray \
 && /build/tools/bin/python -m pip --python /opt/faultray/bin/python install --quiet --disable-pip-version-check --no-cache-dir \
      --no-compile --no-deps --only-binary :all: --require-hashes --requirement /build/runtime.txt \
 && python /build/fetch_d3.py /build/d3.min.js \
 && rm -rf /build/tools
COPY . /build/source/
RUN mv /build/d3.min.js /build/source/ \
 && /opt/faultray/bin/python /build/source/scripts/finish_image.py /build/source /image

FROM ${BASE_IMAGE}
COPY --from=build /image /
ENTRYPOINT ["/opt/faultray/bin/python", "-I", "/opt/faultray/entrypoint.py"]
