"""The results of bench/run as text: what bench/run prints, and the blocks of bench/report."""
import collection_memory
import collection_stall
import eviction
import handover
import held
import memory
import pubsub
import stall
import start
import throughput
import transactions
from bench_lib import table


def sections(results):
    """(title, rows, columns) of every part that was measured."""
    yield "Throughput", results.get("throughput"), throughput.COLUMNS
    yield "With memcached, over bench/load", results.get("memcached"), throughput.COLUMNS
    for owner in ("memory", "allocators"):
        part = results.get(owner, {})
        yield f"{owner}: throughput", part.get("throughput"), throughput.COLUMNS
        yield f"{owner}: bytes a key", part.get("keys"), memory.WORST_COLUMNS
        yield f"{owner}: resident size", part.get("idle"), memory.IDLE_COLUMNS
    yield "Start-up and rest", results.get("start"), start.COLUMNS
    yield "Stalls", results.get("stall"), stall.COLUMNS
    for part in ("collections", "collection-index"):
        yield part, results.get(part), throughput.COLUMNS
    yield "collection-memory", results.get("collection-memory"), collection_memory.COLUMNS
    for part in ("collection-stall", "collection-writers"):
        yield part, results.get(part), collection_stall.COLUMNS
    yield "Pub/sub", results.get("pubsub"), pubsub.COLUMNS
    yield "Hand-over: LPUSH to BLPOP", results.get("handover"), handover.COLUMNS
    yield "GET and SET beside blocked clients", results.get("blocked"), handover.BESIDE_COLUMNS
    yield "Transactions", results.get("transactions"), transactions.COLUMNS
    yield "Writes that evict", results.get("eviction"), eviction.COLUMNS
    yield "Keys at the same maxmemory", results.get("held"), held.COLUMNS


def block(rows, columns):
    """A table without the columns that no row fills, and without rows that have only a note."""
    rows = [row for row in rows if "note" not in row]
    return table(rows, [column for column in columns
                        if any(row.get(column[0]) is not None for row in rows)])


def left_out(rows):
    """A line a server and reason for the shapes that it was left out of, or failed."""
    found = {}
    for row in rows:
        if "note" in row:
            found.setdefault((row["server"], row["note"]), []).append(row["shape"])
    for (server, note), names in found.items():
        what = "; ".join(names) if len(names) < 4 else f"{len(names)} shapes"
        yield f"{server} is not in {what}: {note}"


def described(results):
    """The machine, the servers and the command, a line each."""
    info = results["machine"]
    yield (f"{info['cpu']}, {info['cores']} cores, Linux {info['kernel']}, TCP "
           f"{info['congestion_control']} for all servers, transparent huge pages "
           f"{info['huge_pages']}, {info['time']}")
    for name, version in results["versions"].items():
        yield f"{name}: {version}"
    yield from results.get("missing", [])


def show(results):
    print("\n".join(described(results)))
    for title, rows, columns in sections(results):
        if rows:
            print(f"\n{title}\n{block(rows, columns)}")
            print("".join(f"{line}\n" for line in left_out(rows)), end="")


def failures(results):
    """The rows of servers that failed a shape they should have served."""
    return [row for part in ("throughput", "memcached", "collections", "pubsub", "handover",
                             "blocked", "transactions", "eviction", "held")
            for row in results.get(part, [])
            if row.get("note", "").startswith("failed")]
