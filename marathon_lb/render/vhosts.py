"""The rules of a service in the shared frontends: which host, path and user lead to its backend.

Source: marathon-lb ``marathon_lb.py`` (``generateHttpVhostAcl``).
"""

from __future__ import annotations

from typing import Any

from marathon_lb.core import names
from marathon_lb.core.model import Service
from marathon_lb.render.templates import Templates


def http_rules(service: Service, templates: Templates) -> str:
    """Return the service's lines in the frontend on port 80; empty without a vhost."""
    vhosts = service.options.vhosts
    if not vhosts:
        return ""
    if len(vhosts) == 1:
        return _one_vhost(service, templates)
    return _many_vhosts(service, templates)


def https_rules(service: Service, templates: Templates) -> str:
    """Return the service's lines in the TLS frontend, by the name the client asks for (SNI)."""
    options = service.options
    if not options.vhosts:
        return ""
    kind = "HTTPS_FRONTEND_ACL"
    values = _values(service)
    text = ""
    if options.path:
        text += templates.fill("HTTPS_FRONTEND_ACL_ONLY_WITH_PATH", options.templates, **values)
    if options.auth:
        kind += "_WITH_AUTH_AND_PATH" if options.path else "_WITH_AUTH"
    elif options.path:
        kind += "_WITH_PATH"
    for vhost in options.vhosts:
        text += templates.fill(kind, options.templates, **values | {"hostname": vhost})
    return text


def app_id_rules(service: Service, templates: Templates) -> str:
    """Return the service's lines in the frontend that is asked by ``X-Marathon-App-Id``."""
    return templates.fill(
        "HTTP_FRONTEND_APPID_ACL",
        service.options.templates,
        cleanedUpAppId=names.plain(service.app_id),
        hostname=service.options.vhosts[0] if service.options.vhosts else "",
        appId=service.app_id,
        backend=service.name,
    )


def _one_vhost(service: Service, templates: Templates) -> str:
    options, values = service.options, _values(service)

    def fill(name: str) -> str:
        return templates.fill(name, options.templates, **values)

    if options.redirect_to_https:
        if not options.path:
            kind = "HTTP_FRONTEND_ACL_WITH_AUTH" if options.auth else "HTTP_FRONTEND_ACL"
            return fill(kind) + fill("BACKEND_REDIRECT_HTTP_TO_HTTPS")
        return (
            fill("HTTP_FRONTEND_ACL_ONLY")
            + fill("HTTP_FRONTEND_ACL_ONLY_WITH_PATH")
            + fill("BACKEND_REDIRECT_HTTP_TO_HTTPS_WITH_PATH")
        )
    if options.auth:
        return fill("HTTP_FRONTEND_ACL_WITH_AUTH_AND_PATH" if options.path else "HTTP_FRONTEND_ACL_WITH_AUTH")
    return fill("HTTP_FRONTEND_ACL_WITH_PATH" if options.path else "HTTP_FRONTEND_ACL")


def _many_vhosts(service: Service, templates: Templates) -> str:
    options, values = service.options, _values(service)
    text = ""
    if options.path:
        kind = "HTTP_FRONTEND_ACL_ONLY_WITH_PATH" + ("_AND_AUTH" if options.auth else "")
        text += templates.fill(kind, options.templates, **values)
    for vhost in options.vhosts:
        text += templates.fill("HTTP_FRONTEND_ACL_ONLY", options.templates, **values | {"hostname": vhost})
    return text + templates.fill(_routing(service), options.templates, **values)


def _routing(service: Service) -> str:
    options = service.options
    if options.redirect_to_https:
        return "BACKEND_REDIRECT_HTTP_TO_HTTPS" + ("_WITH_PATH" if options.path else "")
    if options.auth:
        return "HTTP_FRONTEND_ROUTING_ONLY_WITH_" + ("PATH_AND_AUTH" if options.path else "AUTH")
    return "HTTP_FRONTEND_ROUTING_ONLY" + ("_WITH_PATH" if options.path else "")


def _values(service: Service) -> dict[str, Any]:
    options = service.options
    return {
        "backend": service.name,
        "hostname": options.vhosts[0],
        "cleanedUpHostname": names.host_acl(options.vhosts[0], service.app_id),
        "appId": service.app_id,
        "path": options.path or "",
        "realm": options.auth.realm if options.auth else "",
        "user": options.auth.user if options.auth else "",
        "passwd": options.auth.password if options.auth else "",
    }
