import importlib.util
import subprocess
import sys

import pytest

from rclicks_jax import errors
from rclicks_jax.collection import extras


def test_what_is_missing_is_said_in_a_sentence(monkeypatch):
    real = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda n: None if n == "uvicorn" else real(n)
    )
    extras.require()
    with pytest.raises(errors.RClicksError) as refused:
        extras.require(server=True)
    assert str(refused.value) == (
        "rclicks-collect needs uvicorn: pip install 'rclicks-jax[collect]'"
    )


def test_what_a_web_server_imports_needs_no_jax_and_nothing_heavy():
    program = (
        "import sys\n"
        "from rclicks_jax.collection import checks, actions, demo\n"
        "heavy = {'jax', 'flax', 'scipy', 'pandas', 'matplotlib',"
        " 'tensorflow_datasets'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert ended.stdout.strip() == "[]"
