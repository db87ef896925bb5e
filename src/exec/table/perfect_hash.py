"""The perfect hash of command names: the same arithmetic as command_find (command_table.c).

A first hash picks one of a few buckets; each bucket has a displacement, found here by trial, that
sends its names to slots nobody else has.
"""

MASK = (1 << 64) - 1
FOLD = 0x2020202020202020
# An odd number with well spread bits (the golden ratio); others follow if it ever fails.
MULTIPLIER = 0x9E3779B97F4A7C15
DISPLACEMENT_MAX = 0xFFFF


def words(name):
    """The two folded words of a lower-case name: its first and its last eight bytes."""
    data = name.encode("ascii")
    if len(data) >= 8:
        first = int.from_bytes(data[:8], "little")
        return first | FOLD, int.from_bytes(data[-8:], "little") | FOLD
    if len(data) >= 4:
        first = int.from_bytes(data[:4], "little") | int.from_bytes(data[-4:], "little") << 32
    else:
        first = data[0] | data[len(data) // 2] << 8 | data[-1] << 16
    return first | FOLD, 0


def is_careful(name):
    """Must the whole name be compared? When bytes lie between the words, or folding is no mere
    change of case."""
    return len(name) > 16 or not name.isalpha()


def hash_name(name, multiplier):
    first, last = words(name)
    rotated = (last << 25 | last >> 39) & MASK
    mixed = first ^ rotated ^ len(name)
    return (mixed ^ mixed >> 32) * multiplier & MASK


def power_of_two(least):
    size = 1
    while size < least:
        size *= 2
    return size


class PerfectHash:
    """slots: a name or None each; displacements: one a bucket."""

    def __init__(self, names):
        self.slot_count = power_of_two(len(names) * 4 // 3 + 1)
        self.bucket_count = power_of_two(max(len(names) // 2, 2))
        self.bucket_shift = 64 - (self.bucket_count.bit_length() - 1)
        self.multiplier = MULTIPLIER
        while not self._place(names):
            self.multiplier = self.multiplier * 6364136223846793005 + 1442695040888963407 & MASK | 1

    def find(self, name):
        """The slot of a name: what command_find computes."""
        value = hash_name(name, self.multiplier)
        place = (value >> 32 & 0xFFFFFFFF) + self.displacements[value >> self.bucket_shift]
        return place & self.slot_count - 1

    def _place(self, names):
        self.slots = [None] * self.slot_count
        self.displacements = [0] * self.bucket_count
        buckets = [[] for _ in range(self.bucket_count)]
        for name in names:
            buckets[hash_name(name, self.multiplier) >> self.bucket_shift].append(name)
        # The fullest buckets first, while there is room.
        order = sorted(range(self.bucket_count), key=lambda b: (-len(buckets[b]), b))
        return all(self._place_bucket(b, buckets[b]) for b in order)

    def _place_bucket(self, bucket, names):
        for displacement in range(min(self.slot_count, DISPLACEMENT_MAX)):
            self.displacements[bucket] = displacement
            slots = {self.find(name): name for name in names}
            if len(slots) == len(names) and all(self.slots[s] is None for s in slots):
                for slot, name in slots.items():
                    self.slots[slot] = name
                return True
        return False
