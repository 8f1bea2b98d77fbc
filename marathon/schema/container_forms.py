"""The forms of containers, volumes, networks and ports. Source: Marathon's RAML types."""

from __future__ import annotations

from marathon.schema.fields import Anything, Flag, Form, Inner, Items, Table, Text, Whole

NAME = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?\Z"
NETWORK_NAME = r"^[a-z0-9]([-a-z0-9_]*[a-z0-9])?\Z"
PROTOCOLS = ("tcp", "udp", "udp,tcp")


class NetworkForm(Form):
    """A network to join."""

    mode = Text(words=("container", "container/bridge", "host"))
    name = Text(shortest=1, longest=63, pattern=NETWORK_NAME)
    labels = Table(Text())


class PortDefinitionForm(Form):
    """A port in the host's network."""

    port = Whole(0, 65535)
    protocol = Text(words=PROTOCOLS)
    name = Text(pattern=NAME)
    labels = Table(Text())


class PortMappingForm(Form):
    """A port of a container."""

    containerPort = Whole(0, 65535)
    hostPort = Whole(0, 65535)
    protocol = Text(words=PROTOCOLS)
    servicePort = Whole(0, 65535)
    name = Text(pattern=NAME)
    labels = Table(Text())
    networkNames = Items(Text(shortest=1, longest=63, pattern=NETWORK_NAME), unique=True)


class DockerParameterForm(Form):
    """An argument for the Docker engine."""

    key = Text(required=True, shortest=1)
    value = Text(required=True)


class PullConfigForm(Form):
    """The secret for a private registry."""

    secret = Text(required=True, shortest=1)


class DockerForm(Form):
    """An image; ``network`` and ``portMappings`` are the old way to write networks."""

    image = Text(required=True, shortest=1, longest=1024)
    forcePullImage = Flag()
    privileged = Flag()
    parameters = Items(Inner(DockerParameterForm))
    pullConfig = Inner(PullConfigForm)
    credential = Anything()
    network = Text(words=("BRIDGE", "HOST", "NONE", "USER"))
    portMappings = Items(Inner(PortMappingForm))


class SeccompForm(Form):
    """System calls."""

    profileName = Text()
    unconfined = Flag(required=True)


class IpcForm(Form):
    """Shared memory."""

    mode = Text(required=True, words=("PRIVATE", "SHARE_PARENT"))
    shmSize = Whole()


class LinuxInfoForm(Form):
    """What only Linux has."""

    seccomp = Inner(SeccompForm)
    ipcInfo = Inner(IpcForm)


class PersistentForm(Form):
    """A volume on the agent's disk."""

    type = Text(words=("root", "path", "mount"))
    size = Whole(1, 2**53, required=True)
    maxSize = Whole(0, 2**53)
    profileName = Text(shortest=1)
    constraints = Items(Items(Text()))


class ExternalForm(Form):
    """A volume of a storage provider."""

    name = Text(shortest=1)
    provider = Text(required=True, shortest=1)
    options = Table(Anything())
    size = Whole(1)
    shared = Flag()


class VolumeForm(Form):
    """Any kind of volume."""

    containerPath = Text(required=True, shortest=1)
    mode = Text(words=("RO", "RW"))
    hostPath = Text(shortest=1)
    persistent = Inner(PersistentForm)
    external = Inner(ExternalForm)
    secret = Text(shortest=1)


class ContainerForm(Form):
    """What an app runs in."""

    type = Text(words=("MESOS", "DOCKER"))
    docker = Inner(DockerForm)
    linuxInfo = Inner(LinuxInfoForm)
    volumes = Items(Inner(VolumeForm))
    portMappings = Items(Inner(PortMappingForm))
