"""Configuration files: YAML, TOML, and the observatory's ASDF and .cfg files."""

from mrsnb.io.config.ini import ini_text
from mrsnb.io.config.read import read_config, with_step_files
from mrsnb.io.config.value import Config, merged
from mrsnb.io.config.write import WRITTEN, config_text, write_config

__all__ = ["WRITTEN", "Config", "config_text", "ini_text", "merged", "read_config", "with_step_files", "write_config"]
