"""Rules of the layers that import-linter has no words for."""

import grimp
import pytest


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    return grimp.build_graph("cotlens", include_external_packages=True, exclude_type_checking_imports=True)


def imports(graph: grimp.ImportGraph, package: str) -> set[tuple[str, str]]:
    modules = {package} | graph.find_descendants(package)
    return {(m, target) for m in modules for target in graph.find_modules_directly_imported_by(m)}


def test_measurements_know_models_only_by_their_contract(graph):
    reached = {target for _, target in imports(graph, "cotlens.measure") if target.startswith("cotlens.models")}
    assert reached <= {"cotlens.models.contract"}


def test_nnsight_stays_in_the_models_room(graph):
    importers = graph.find_modules_that_directly_import("nnsight")
    assert all(module.startswith("cotlens.models.") for module in importers)


def test_importing_the_package_needs_only_the_core(graph):
    reached = graph.find_modules_directly_imported_by("cotlens")
    assert {module for module in reached if module.startswith("cotlens")} == {"cotlens._core.lazy"}
