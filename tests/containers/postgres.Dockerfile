# PostgreSQL for tests where no registry has one: user and database "lamina", with a password.
ARG BASE_IMAGE
FROM ${BASE_IMAGE}
RUN apt-get update \
    && DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends postgresql \
    && rm -rf /var/lib/apt/lists/*
USER postgres
RUN echo test-only > /tmp/password \
    && /usr/lib/postgresql/*/bin/initdb --pgdata /tmp/data --username lamina --auth scram-sha-256 --pwfile /tmp/password \
    && echo 'host all all all scram-sha-256' >> /tmp/data/pg_hba.conf
CMD ["sh", "-c", "exec /usr/lib/postgresql/*/bin/postgres -D /tmp/data -h 0.0.0.0"]
