"""The forms of health checks, checks and readiness checks. Source: Marathon's RAML types."""

from __future__ import annotations

from typing import Any

from marshmallow import fields

from marathon.schema.fields import Flag, Form, Inner, Items, Text, Whole, messages

HEALTH_PROTOCOLS = ("HTTP", "HTTPS", "TCP", "COMMAND", "MESOS_TCP", "MESOS_HTTP", "MESOS_HTTPS")


class CommandForm(Form):
    """A health check's command."""

    value = Text(required=True, shortest=1)


class CommandField(fields.Field[Any]):
    """A command as an object, or as the bare text that some clients send."""

    default_error_messages = messages()

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> Any:
        return Inner(CommandForm).deserialize({"value": value} if isinstance(value, str) else value)


class HealthCheckForm(Form):
    """A health check."""

    protocol = Text(words=HEALTH_PROTOCOLS)
    path = Text()
    port = Whole(0, 65535)
    portIndex = Whole()
    command = CommandField()
    gracePeriodSeconds = Whole()
    intervalSeconds = Whole()
    timeoutSeconds = Whole()
    maxConsecutiveFailures = Whole()
    delaySeconds = Whole()
    ignoreHttp1xx = Flag()
    ipProtocol = Text(words=("IPv4", "IPv6"))


class HttpCheckForm(Form):
    """A check by HTTP."""

    port = Whole(0, 65535)
    portIndex = Whole()
    path = Text()
    scheme = Text(words=("HTTP", "HTTPS"))


class TcpCheckForm(Form):
    """A check by TCP."""

    port = Whole(0, 65535)
    portIndex = Whole()


class CheckCommandForm(Form):
    """A command line or its words."""

    shell = Text(shortest=1)
    argv = Items(Text(), shortest=1)


class ExecCheckForm(Form):
    """A check by command."""

    command = Inner(CheckCommandForm, required=True)


class CheckForm(Form):
    """A check without consequences."""

    http = Inner(HttpCheckForm)
    tcp = Inner(TcpCheckForm)
    exec = Inner(ExecCheckForm)
    intervalSeconds = Whole()
    timeoutSeconds = Whole()
    delaySeconds = Whole()


class ReadinessForm(Form):
    """A readiness check."""

    name = Text(pattern=r"^[A-Za-z0-9]([-A-Za-z0-9_]*[A-Za-z0-9])?\Z")
    protocol = Text(words=("HTTP", "HTTPS"))
    path = Text(shortest=1)
    portName = Text(shortest=1)
    intervalSeconds = Whole()
    timeoutSeconds = Whole(1)
    httpStatusCodesForReady = Items(Whole(100, 999), shortest=1)
    preserveLastResponse = Flag()
