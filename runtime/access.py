"""Who may publish and read what on the broker: a user per process, with the least it needs."""

from __future__ import annotations

from dataclasses import dataclass

from contracts import topics


@dataclass(frozen=True, slots=True)
class BusUser:
    """A broker account and its topic filters, MQTT notation."""

    name: str
    publish: tuple[str, ...]
    subscribe: tuple[str, ...]


def agent_user(site: str, agent: str) -> BusUser:
    """An agent writes its four up topics and reads its own cursor and commands, nothing else."""
    kinds: tuple[topics.UpKind, ...] = ("reads", "scans", "sensors", "status")
    return BusUser(
        agent,
        publish=tuple(topics.up(site, agent, kind) for kind in kinds),
        subscribe=tuple(topics.all_down(site, agent)),
    )


def gateway_user(site: str, name: str = "gateway") -> BusUser:
    """A gateway reads what all agents of its site say and answers each of them."""
    return BusUser(
        name,
        publish=(topics.down(site, "+", "cursor"), topics.down(site, "+", "command")),
        subscribe=tuple(topics.all_up(site)),
    )


def worker_user(site: str, name: str = "worker") -> BusUser:
    """The worker publishes positions."""
    return BusUser(name, publish=(topics.position(site, "+"),), subscribe=())


def probe_user() -> BusUser:
    """The supervisor's sign-of-life check: may log in and nothing else."""
    return BusUser("probe", publish=(), subscribe=())


def mosquitto_acl(users: list[BusUser]) -> str:
    """The ACL file of Mosquitto, one block per user, each with the literal site."""
    blocks = []
    for user in users:
        lines = [f"user {user.name}"]
        lines += [f"topic write {name}" for name in user.publish]
        lines += [f"topic read {name}" for name in user.subscribe]
        blocks.append("\n".join(lines) + "\n")
    return "\n".join(blocks)


def nats_subject(topic_filter: str) -> str:
    """The NATS subject of an MQTT filter; our names hold no dots or spaces."""
    return topic_filter.replace("/", ".").replace("+", "*").replace("#", ">")
