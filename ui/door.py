from dataclasses import dataclass


@dataclass(frozen=True)
class Visitor:
    local: bool
    email: str


def owners() -> frozenset[str]:
    return frozenset()


def enter(lang: str) -> Visitor:
    return Visitor(True, "")
