"""Election of a leader and detection of it, through ZooKeeper or standing alone."""

from __future__ import annotations

from mesos.election.base import Contender, Detector, Election, Leader, OnLeader
from mesos.election.standalone import StandaloneContender, StandaloneDetector, StandaloneElection

__all__ = [
    "Contender",
    "Detector",
    "Election",
    "Leader",
    "OnLeader",
    "StandaloneContender",
    "StandaloneDetector",
    "StandaloneElection",
]
