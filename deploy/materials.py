"""What the desk is made of: a bill of materials (CycloneDX 1.6, JSON) of what runs, from constraints.txt and what is
installed, with each part's licence. `make sbom`."""

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import Distribution, distribution
from pathlib import Path

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

HOUSE = Path(__file__).parents[1]
OURS = "liaison"
SPDX = {  # as packages say it where they do not say it in SPDX
    "3-clause bsd license": "BSD-3-Clause",
    "apache 2.0 license": "Apache-2.0",
    "apache software license": "Apache-2.0",
    "bsd license": "BSD-3-Clause",
    "bsd-3-clause and public-domain": "BSD-3-Clause",
    "isc license (iscl)": "ISC",
    "mit license": "MIT",
    "mozilla public license 2.0 (mpl 2.0)": "MPL-2.0",
    "the unlicense (unlicense)": "Unlicense",
    "public domain": "CC0-1.0",
}
UNSAID = {"mrml": "MIT", "bagit": "CC0-1.0"}  # their repositories say it, their packages do not


@dataclass(frozen=True)
class Part:
    """A package that runs: its name and exact version, its licence as an SPDX expression (empty: it says none), and the
    names of those that it needs itself."""

    name: str
    version: str
    licence: str
    needs: frozenset[str]


def parts() -> list[Part]:
    """The desk and every package that it needs to run, by name."""
    found: dict[str, Part] = {}
    wanted, seen = [(OURS, frozenset[str]())], set()
    while wanted:
        name, extras = wanted.pop()
        if (name, extras) not in seen:
            seen.add((name, extras))
            there = distribution(name)
            needs = list(_needs(there, extras))
            before = found[name].needs if name in found else frozenset()
            found[name] = Part(name, there.version, licence(there), before | {needed for needed, _ in needs})
            wanted += needs
    return sorted(found.values(), key=lambda part: part.name)


def pinned() -> dict[str, str]:
    """The versions of constraints.txt."""
    lines = (HOUSE / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pairs = (line.split("==") for line in lines if "==" in line)
    return {canonicalize_name(name): version.strip() for name, version in pairs}


def licence(there: Distribution) -> str:
    """What a package says of its licence, in SPDX."""
    meta = there.metadata
    name = canonicalize_name(meta["Name"])
    classified = [one.rsplit(" :: ", 1)[1] for one in meta.get_all("Classifier") or [] if one.startswith("License ::")]
    for said in (meta["License-Expression"], *classified, meta["License"]):
        if said and said != "OSI Approved" and "\n" not in said:
            return str(SPDX.get(said.strip().lower(), said.strip()))
    return UNSAID.get(name, "")


def written() -> str:
    """The bill of materials. The same parts give the same text but for its date and number."""
    bom, licences = Bom(), LicenseFactory()
    made = {
        part.name: Component(
            name=part.name,
            version=part.version,
            type=ComponentType.APPLICATION if part.name == OURS else ComponentType.LIBRARY,
            purl=None if part.name == OURS else PackageURL("pypi", name=part.name, version=part.version),
            licenses=[licences.make_from_string(part.licence)] if part.licence else [],
        )
        for part in parts()
    }
    model = [
        Component(
            name=f"sentiment/weights/{file}",
            type=ComponentType.MACHINE_LEARNING_MODEL,
            hashes=[HashType(alg=HashAlgorithm.SHA_256, content=digest)],
        )
        for file, digest in _model()
    ]
    bom.metadata.component = made[OURS]
    for one in (*(component for name, component in made.items() if name != OURS), *model):
        bom.components.add(one)
    for part in parts():
        bom.register_dependency(made[part.name], [made[name] for name in sorted(part.needs)])
    bom.register_dependency(made[OURS], model)
    return str(JsonV1Dot6(bom).output_as_string(indent=1))


def _model() -> Iterator[tuple[str, str]]:
    manifest = (HOUSE / "sentiment/weights/manifest.json").read_text(encoding="utf-8")
    yield from re.findall(r'"([\w.]+\.(?:onnx|bin|npz|json))": "([0-9a-f]{64})"', manifest)


def _needs(there: Distribution, extras: frozenset[str]) -> Iterator[tuple[str, frozenset[str]]]:
    for line in there.requires or []:
        needed = Requirement(line)
        if needed.marker is None or any(needed.marker.evaluate({"extra": extra}) for extra in ("", *extras)):
            yield canonicalize_name(needed.name), frozenset(needed.extras)


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(written() + "\n", encoding="utf-8")
