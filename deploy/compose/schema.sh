#!/bin/sh
# Creates Temporal's two databases, or brings their schema to this version of the server. SQL_HOST, SQL_USER, SQL_PASSWORD and
# SQL_PLUGIN say where. Safe to repeat.
set -eu
for part in temporal visibility; do
	case $part in
	temporal) database=temporal ;;
	visibility) database=temporal_visibility ;;
	esac
	temporal-sql-tool --database "$database" create-database
	temporal-sql-tool --database "$database" setup-schema --version 0.0
	temporal-sql-tool --database "$database" update-schema --schema-name "postgresql/v12/$part"
done
