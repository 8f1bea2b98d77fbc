"""Election of a leader and detection of it, through ZooKeeper or standing alone."""

from __future__ import annotations

from mesos.election.base import Contender, Detector, Election, Leader, OnLeader
from mesos.election.contender import ZkContender
from mesos.election.detector import ZkDetector
from mesos.election.leadership import ZkElection
from mesos.election.masters import master_of, open_master_detector
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
    "ZkContender",
    "ZkDetector",
    "ZkElection",
    "master_of",
    "open_master_detector",
]
