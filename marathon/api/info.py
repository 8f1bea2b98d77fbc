"""``/v2/info`` and ``/v2/leader``. Source: Marathon ``InfoResource``, ``LeaderResource``."""

from __future__ import annotations

import re
from typing import Any

from aiohttp import web

from marathon.api.answers import message
from marathon.api.service import Service, service_of
from marathon.config import UPSTREAM_VERSION
from mesos.http.app import json_response

routes = web.RouteTableDef()

_CREDENTIALS = re.compile(r"//[^@/]*@")


@routes.get("/v2/info")
async def show_info(request: web.Request) -> web.Response:
    """Tell the version, the leader and the settings."""
    service = service_of(request)
    return json_response(
        {
            "name": "marathon",
            "version": UPSTREAM_VERSION,
            "buildref": "unknown",
            "elected": service.node.term is not None,
            "leader": service.node.leader,
            "frameworkId": service.state.framework_id,
            "marathon_config": _marathon_config(service),
            "zookeeper_config": _zookeeper_config(service),
            "http_config": {"http_port": service.node.config.http_port, "https_port": None},
        }
    )


@routes.get("/v2/leader")
async def show_leader(request: web.Request) -> web.Response:
    """Tell who leads."""
    leader = service_of(request).node.leader
    return json_response({"leader": leader}) if leader else message(404, "There is no leader")


@routes.delete("/v2/leader")
async def abdicate(request: web.Request) -> web.Response:
    """Give the lead to somebody else."""
    service = service_of(request)
    if service.node.term is None:
        return message(404, "There is no leader")
    await service.node.abdicate()
    return json_response({"message": "Leadership abdicated"})


def _marathon_config(service: Service) -> dict[str, Any]:
    config = service.node.config
    return {
        "access_control_allow_origin": config.access_control_allow_origin,
        "checkpoint": config.checkpoint,
        "decline_offer_duration": _ms(config.decline_offer_duration),
        "default_network_name": config.default_network_name,
        "env_vars_prefix": config.env_vars_prefix,
        "executor": config.executor,
        "failover_timeout": int(config.failover_timeout),
        "features": sorted(config.enable_features),
        "framework_name": config.framework_name,
        "ha": config.elects,
        "hostname": config.host,
        "launch_token": None,
        "launch_token_refresh_interval": None,
        "leader_proxy_connection_timeout_ms": _ms(config.leader_proxy_connection_timeout),
        "leader_proxy_read_timeout_ms": _ms(config.leader_proxy_read_timeout),
        "local_port_max": config.local_port_max,
        "local_port_min": config.local_port_min,
        "maintenance_mode": config.maintenance_mode,
        "master": _without_credentials(config.master),
        "max_instances_per_offer": config.max_instances_per_offer,
        "mesos_bridge_name": config.mesos_bridge_name,
        "mesos_heartbeat_failure_threshold": None,
        "mesos_heartbeat_interval": None,
        "mesos_leader_ui_url": config.mesos_leader_ui_url,
        "mesos_role": config.mesos_role,
        "mesos_user": config.mesos_user,
        "min_revive_offers_interval": _ms(config.min_revive_offers_interval),
        "new_group_enforce_role": config.new_group_enforce_role,
        "offer_matching_timeout": None,
        "on_elected_prepare_timeout": None,
        "reconciliation_initial_delay": _ms(config.reconciliation_initial_delay),
        "reconciliation_interval": _ms(config.reconciliation_interval),
        "scale_apps_initial_delay": _ms(config.scale_apps_initial_delay),
        "scale_apps_interval": _ms(config.scale_apps_interval),
        "store_cache": None,
        "task_launch_confirm_timeout": _ms(config.task_launch_confirm_timeout),
        "task_launch_timeout": _ms(config.task_launch_timeout),
        "task_lost_expunge_initial_delay": None,
        "task_lost_expunge_interval": None,
        "task_reservation_timeout": None,
        "webui_url": config.webui_url,
    }


def _zookeeper_config(service: Service) -> dict[str, Any]:
    config = service.node.config
    return {
        "zk": _without_credentials(config.zk),
        "zk_compression": None,
        "zk_compression_threshold": None,
        "zk_connection_timeout": None,
        "zk_max_node_size": None,
        "zk_max_versions": None,
        "zk_session_timeout": _ms(config.zk_session_timeout),
        "zk_timeout": _ms(config.zk_timeout),
    }


def _ms(seconds: float) -> int:
    return round(seconds * 1000)


def _without_credentials(url: str | None) -> str | None:
    return _CREDENTIALS.sub("//xxxxxxxx:xxxxxxxx@", url) if url else url
