"""A process of its own on the bus, for tests that stop or kill one. Says on standard output how far it is."""

import signal
import sys

from lucidray.bus import Bus, NotOwner, open_bus


def send(bus: Bus, topic: str, count: str, key: str = "") -> None:
    """Send records, flush, and then neither close nor leave."""
    producer = bus.producer()
    for number in range(int(count)):
        producer.send(topic, f"{number}".encode(), key=key.encode() if key else None)
    producer.flush()
    print("flushed", flush=True)
    signal.pause()


def hold(bus: Bus, topic: str, group: str, count: str, member: str = "") -> None:
    """Read records and commit none; after the first line on standard input, commit the last one."""
    consumer = bus.consumer(group, [topic], member=member)
    seen = 0
    while seen < int(count) or not consumer.assignment():
        records = consumer.poll(1.0)
        seen += len(records)
        last = records[-1] if records else None
    print("holding", flush=True)
    sys.stdin.readline()
    assert last is not None
    try:
        consumer.commit({last.source: last.offset + 1})
        print("committed", flush=True)
    except NotOwner:
        print("not owner", flush=True)


if __name__ == "__main__":
    role, *arguments = sys.argv[1:]
    if role == "send":
        send(open_bus(), *arguments)
    else:
        hold(open_bus(), *arguments)
