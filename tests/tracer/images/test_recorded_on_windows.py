"""A recording made on Windows CPython (under Wine) by ``poolscope record``, read where there is no Windows."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tui.cli import main
from tui.exit_codes import ExitCode

RECORDED = Path(__file__).with_name("recorded-on-windows.etl")
"""What :mod:`tests.windows.test_live_identities` left with CPython 3.13.2 of python.org."""


def test_it_says_which_pdb_files_belong_to_the_images_of_the_process_that_recorded_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["info", str(RECORDED), "--images", "--json", "--quiet"]) == ExitCode.DONE
    document = json.loads(capsys.readouterr().out)
    assert (document["damage"], document["loss"]["gaps"]) == ([], [])
    files = {file["name"]: (file["guid"], file["age"], file["pdb"]) for file in document["images"]["files"]}
    assert files == {
        "python.exe": ("ba212d3e-265f-4022-b621-9d71102f5d22", 1, "D:\\a\\1\\b\\bin\\amd64\\python.pdb"),
        "python313.dll": ("31685853-5238-425d-a7e8-f6c6d5cdc4ba", 1, "D:\\a\\1\\b\\bin\\amd64\\python313.pdb"),
    }
