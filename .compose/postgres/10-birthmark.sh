#!/bin/bash
# Runs once, when the database is made. The product's role owns its database and is no superuser:
# row-level security does not hold a superuser back.
set -euo pipefail
psql --no-psqlrc --set=ON_ERROR_STOP=1 --set=password="$BIRTHMARK_DB_PASSWORD" --username=postgres <<'SQL'
CREATE ROLE birthmark LOGIN CREATEDB PASSWORD :'password';
CREATE DATABASE birthmark OWNER birthmark TEMPLATE template0 ENCODING 'UTF8' LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8' LOCALE 'C';
SQL
