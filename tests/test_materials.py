"""What we are made of: each part that runs is pinned, is what is installed, and has a licence that we may use."""

import json
from typing import Any

from license_expression import get_spdx_licensing

from deploy import materials

# May be shipped beside Apache-2.0, as they are. psycopg (LGPL) is a library that the desk loads and nobody changed.
MAY_BE_USED = {
    "0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "CC0-1.0", "CNRI-Python", "HPND", "ISC", "LGPL-3.0-only",
    "MIT", "MIT-0", "MIT-CMU", "MPL-2.0", "PSF-2.0", "Unlicense", "Zlib",
}  # fmt: skip


def test_every_part_that_runs_is_pinned_and_is_what_is_installed() -> None:
    pinned, parts = materials.pinned(), materials.parts()
    assert {"fastapi", "sqlalchemy", "onnxruntime"} <= {part.name for part in parts}
    assert "pytest" not in {part.name for part in parts}
    others = [part for part in parts if part.name != materials.OURS]
    assert [part for part in others if pinned.get(part.name) != part.version] == []


def may_be_used(expression: Any) -> bool:
    """Whether one choice of the expression holds licences from the list only."""
    if expression.isliteral:
        return str(expression) in MAY_BE_USED
    chosen = any if expression.operator == " OR " else all
    return chosen(may_be_used(part) for part in expression.args)


def test_every_part_has_a_licence_that_we_may_use() -> None:
    known = get_spdx_licensing()
    assert not may_be_used(known.parse("MIT AND GPL-3.0-only"))
    assert may_be_used(known.parse("GPL-3.0-only OR (MIT AND ISC)"))
    refused = [
        part
        for part in materials.parts()
        if not part.licence or not may_be_used(known.parse(part.licence, validate=True))
    ]
    assert refused == []


def test_the_bill_of_materials_names_every_part_and_the_model() -> None:
    bill = json.loads(materials.written())
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
    named = {(materials.OURS, bill["metadata"]["component"]["version"])}
    named |= {(one["name"], one.get("version")) for one in bill["components"]}
    assert {(part.name, part.version) for part in materials.parts()} <= named
    model = [one for one in bill["components"] if one["type"] == "machine-learning-model"]
    assert {one["name"].rpartition("/")[2] for one in model} == {
        "encoder.onnx",
        "lower.bin",
        "upper.bin",
        "heads.npz",
        "tokenizer.json",
    }
    assert all(one["hashes"][0]["alg"] == "SHA-256" for one in model)
    assert [one["name"] for one in bill["components"] if one["type"] == "library" and "licenses" not in one] == []
