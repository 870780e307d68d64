"""Real servers on loopback for the whole run, and the last lines they said beside a test that failed."""

import tempfile
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from tests.live import bluesky_network, fault_proxy, mastodon_server, processes

_started: list[processes.Running] = []


@pytest.fixture(scope="session")
def bluesky() -> Iterator[bluesky_network.Network]:
    """The AT Protocol network: directory, PDS and AppView. One for the run; a test makes accounts of its own."""
    # not in pytest's own folder: a second run would take the rights to it away from PostgreSQL's user
    with (
        tempfile.TemporaryDirectory(prefix="liaison-live-", ignore_cleanup_errors=True) as folder,
        bluesky_network.running(Path(folder), _started) as network,
    ):
        yield network


@pytest.fixture(scope="session")
def _mastodon_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[mastodon_server.Server]:
    with mastodon_server.running(tmp_path_factory.mktemp("mastodon"), _started) as server:
        yield server


@pytest.fixture
def mastodon(_mastodon_server: mastodon_server.Server) -> mastodon_server.Server:
    """The Mastodon API server, one for the run, without the faults of an earlier test; accounts as with `bluesky`."""
    _mastodon_server.no_faults()
    return _mastodon_server


@pytest.fixture(scope="session")
def _faults(tmp_path_factory: pytest.TempPathFactory) -> Iterator[fault_proxy.Faults]:
    with fault_proxy.running(tmp_path_factory.mktemp("faults"), _started) as faults:
        yield faults


@pytest.fixture
def faults(_faults: fault_proxy.Faults) -> Iterator[fault_proxy.Faults]:
    """`faults.before(url)` puts a proxy in front of a server; what one test scripts, no other meets."""
    _faults.clear()
    yield _faults
    _faults.clear()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    here = Path(__file__).parent in item.path.parents
    if report.failed and here:
        report.sections += [(f"{one.name} said last ({one.log})", one.tail()) for one in _started]
    return report
