"""What attempts are given of this machine: accelerators of their own, and the processors that are least used."""

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from trainshed.runners.contract import Limits

_VARIABLES = ("CUDA_VISIBLE_DEVICES", "NVIDIA_VISIBLE_DEVICES")
_FILES = Path("/dev")
_NONE = "-"
Key = tuple[str, int]


@dataclass(frozen=True, kw_only=True)
class Share:
    """What one attempt has."""

    cores: tuple[int, ...] = ()  # none: it may run on all
    devices: tuple[str, ...] = ()  # accelerators that no other attempt was given

    @property
    def variables(self) -> Mapping[str, str]:
        """Say so to the frameworks."""
        return dict.fromkeys(_VARIABLES, ",".join(self.devices)) if self.devices else {}


def accelerators(setting: str) -> tuple[str, ...]:
    """Answer the accelerators that attempts may be given: those of the setting (`0,1`; `-`: none), else all of NVIDIA's."""
    if setting:
        return tuple(name.strip() for name in setting.split(",") if name.strip() not in ("", _NONE))
    visible = os.environ.get(_VARIABLES[0])
    if visible is not None:  # somebody gave us these only
        return tuple(name.strip() for name in visible.split(",") if name.strip())
    found = [file for file in _FILES.glob("nvidia*") if file.name.removeprefix("nvidia").isdigit()]
    return tuple(map(str, range(len(found))))  # CUDA counts those that a process can see


class Machine:
    """Knows who has what. Asked for more than there is, it gives what is free: whoever admits attempts counts."""

    def __init__(self, *, cores: Sequence[int], devices: Sequence[str]) -> None:
        self._cores = tuple(cores)
        self._devices = tuple(devices)
        self._given: dict[Key, Share] = {}

    def give(self, key: Key, limits: Limits) -> Share:
        """Choose what an attempt gets."""
        share = Share(cores=self._least_used(limits.cpus), devices=self._free(limits.accelerators))
        self._given[key] = share
        return share

    def adopt(self, key: Key, share: Share) -> None:
        """Note what an attempt has that outlived the last server."""
        self._given[key] = share

    def take_back(self, key: Key) -> None:
        """Note that an attempt has ended."""
        self._given.pop(key, None)

    def _least_used(self, cpus: float | None) -> tuple[int, ...]:
        wanted = max(1, -int(-(cpus or 0) // 1))
        if not cpus or wanted >= len(self._cores):
            return ()
        used = Counter(core for share in self._given.values() for core in share.cores)
        return tuple(sorted(sorted(self._cores, key=lambda core: (used[core], core))[:wanted]))

    def _free(self, count: int) -> tuple[str, ...]:
        taken = {device for share in self._given.values() for device in share.devices}
        return tuple(device for device in self._devices if device not in taken)[:count]
