"""Every setting of the product: environment variables with the prefix BIRTHMARK_, or ``.env``."""

from datetime import time
from functools import lru_cache
from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """What differs from site to site. The README lists each one; a test holds that list."""

    model_config = SettingsConfigDict(env_prefix="BIRTHMARK_", env_file=".env", extra="ignore", frozen=True)

    database_url: str | None = Field(
        default=None, description="PostgreSQL to use; without it the embedded one is started"
    )
    broker_url: str | None = Field(
        default=None,
        description="MQTT broker, mqtt://user:password@host:port (mqtts:// for TLS); "
        "without it an embedded one is started",
    )
    broker_credentials: Path | None = Field(
        default=None,
        description="folder in which the passwords and acl files of an external Mosquitto are kept up to date",
    )
    broker_host: str = Field(default="127.0.0.1", description="address the embedded broker listens on")
    broker_port: int = Field(
        default=0, ge=0, le=65535, description="port of the embedded broker; 0 takes that of last time, or any free one"
    )
    http_host: str = Field(default="127.0.0.1", description="address the web server listens on")
    http_port: int = Field(default=8000, ge=0, le=65535, description="port of the web server; 0 takes a free one")
    tls_cert: Path | None = Field(
        default=None, description="certificate of the web server, PEM; without it that of `tls init`, else plain HTTP"
    )
    tls_key: Path | None = Field(default=None, description="private key of BIRTHMARK_TLS_CERT, PEM")
    data_dir: Path = Field(default=Path(".data"), description="folder of the embedded database, broker and results")
    register_unknown: bool = Field(
        default=True,
        description="record what an authenticated machine names and nobody registered, marked "
        "unplanned; false quarantines such messages until it is registered",
    )
    mqtt_version: Literal["3.1.1", "5"] = Field(
        default="3.1.1", description="protocol version intake speaks to the broker"
    )
    intake_client_id: str = Field(
        default="birthmark-intake",
        description="fixed MQTT client id of this intake process; its session is kept under it",
    )
    intake_filters: tuple[str, ...] = Field(
        default=("+/+/+/CFX/#",),
        description="topic filters of this intake process, a JSON list; several intake processes take disjoint filters",
    )
    shifts: tuple[time, ...] = Field(
        default=(time(6), time(14), time(22)),
        description="when shifts begin, by this machine's local clock, a JSON list of times of day",
    )
    log_format: Literal["auto", "json", "console"] = Field(
        default="auto", description="log lines as JSON or for a person; auto asks the terminal"
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="least serious log line that is written"
    )

    @field_validator("database_url")
    @classmethod
    def _with_driver(cls, url: str | None) -> str | None:
        """Accept ``postgres://`` and ``postgresql://`` as people write them; psycopg 3 it is."""
        if url is None or url == "":
            return None
        scheme, separator, rest = url.partition("://")
        if not separator or scheme.split("+")[0] not in {"postgres", "postgresql"}:
            raise ValueError("must begin with postgresql://, only PostgreSQL is supported")
        return f"postgresql+psycopg://{rest}"

    @field_validator("broker_url")
    @classmethod
    def _broker_scheme(cls, url: str | None) -> str | None:
        if url is None or url == "":
            return None
        if not url.startswith(("mqtt://", "mqtts://")):
            raise ValueError("must begin with mqtt:// or mqtts://")
        return url

    @field_validator("data_dir")
    @classmethod
    def _absolute(cls, folder: Path) -> Path:
        return folder.expanduser().absolute()


@lru_cache(maxsize=1)
def settings() -> Settings:
    """Read the settings of this process, once."""
    return Settings()
