"""Geo commands over the wire: every form, option and error text, in RESP2 and RESP3, and searches
of many members, which run on the pool.

Everything here also holds for Redis 7.0 (POLLARD_SERVER=redis-server).
"""
import random
import shlex

from pollard_test import Error, case, main
from talkers import BOTH, OK, SYNTAX, arity, rows

NOT_FLOAT = Error("ERR value is not a valid float")
UNIT = Error("ERR unsupported unit provided. please use M, KM, FT, MI")
MEMBER = Error("ERR could not decode requested zset member")
WRONG_TYPE = Error("WRONGTYPE Operation against a key holding the wrong kind of value")
SICILY = ("GEOADD g 13.361389 38.115556 Palermo 15.087269 37.502669 Catania "
          "12.758489 38.788135 edge1 17.241510 38.788135 edge2")
P, C, E1, E2 = b"Palermo", b"Catania", b"edge1", b"edge2"


@case(protocols=BOTH)
def test_geoadd(c):
    rows(c,
         ("GEOADD g 13.361389 38.115556 Palermo 15.087269 37.502669 Catania", 2),
         ("GEOADD g CH 13.361389 38.115556 Palermo 15 37 Catania", 1),
         ("GEOADD g NX 1 1 Palermo 2 2 new", 1), ("GEOADD g XX CH 1 1 Palermo 2 2 other", 1),
         ("GEOADD missing XX 1 1 a", 0), ("EXISTS missing", 0), ("ZCARD g", 3), ("TYPE g", "zset"),
         ("GEOADD g 180 85.05112878 edge -180 -85.05112878 edge3", 2),
         ("GEOADD g NX XX 1 1 a", SYNTAX), ("GEOADD g NX CH CH", SYNTAX),
         ("GEOADD g 1 1 a 1", SYNTAX), ("GEOADD g x 1 a", NOT_FLOAT), ("GEOADD g 1 x a", NOT_FLOAT),
         ("GEOADD g nan 1 a", NOT_FLOAT),
         ("GEOADD g 200 100 a",
          Error("ERR invalid longitude,latitude pair 200.000000,100.000000")),
         ("GEOADD g 1 1 unstored 1 86 b",
          Error("ERR invalid longitude,latitude pair 1.000000,86.000000")),
         ("ZSCORE g unstored", None), ("GEOADD g 1 1", arity("geoadd")),
         ("SET s v", OK), ("GEOADD s 1 1 a", WRONG_TYPE), ("GEOADD s x 1 a", NOT_FLOAT))


@case(protocols=BOTH)
def test_geodist_and_geohash(c):
    rows(c,
         (SICILY, 4), ("GEODIST g Palermo Catania", b"166274.1516"),
         ("GEODIST g Palermo Catania km", b"166.2742"),
         ("GEODIST g Palermo Catania MI", b"103.3182"),
         ("GEODIST g Palermo Catania ft", b"545518.8700"), ("GEODIST g Palermo Palermo", b"0.0000"),
         ("GEODIST g Palermo none", None), ("GEODIST none a b", None),
         ("GEODIST none a b parsec", UNIT), ("GEODIST g a b c d", SYNTAX),
         ("GEODIST g a", arity("geodist")), ("GEOHASH g Palermo none Catania",
                                            [b"sqc8b49rny0", None, b"sqdtr74hyu0"]),
         ("GEOHASH none a b", [None, None]), ("GEOHASH g", []), ("GEOHASH", arity("geohash")),
         ("SET s v", OK), ("GEODIST s a b", WRONG_TYPE), ("GEODIST s a b parsec", UNIT),
         ("GEOHASH s a", WRONG_TYPE), ("GEOPOS s a", WRONG_TYPE))


@case
def test_geopos(c):
    rows(c,
         (SICILY, 4), ("GEOPOS g Palermo none", [[b"13.36138933897018433",
                                                  b"38.11555639549629859"], None]),
         ("GEOPOS none a", [None]), ("GEOPOS g", []), ("GEOPOS", arity("geopos")))


@case(protocols=(3,))
def test_coordinates_are_doubles_in_resp3(c):
    c.cmd(*shlex.split(SICILY))
    assert c.cmd("GEOPOS", "g", "Palermo") == [[13.36138933897018433, 38.11555639549629859]]
    search = "GEOSEARCH g FROMMEMBER Palermo BYRADIUS 1 m WITHCOORD WITHDIST"
    assert c.cmd(*shlex.split(search)) == [
        [P, b"0.0000", [13.36138933897018433, 38.11555639549629859]]]


@case(protocols=BOTH)
def test_geosearch(c):
    near = "GEOSEARCH g FROMLONLAT 15 37 "
    rows(c,
         (SICILY, 4), (near + "BYRADIUS 200 km ASC", [C, P]),
         (near + "BYRADIUS 200 km DESC", [P, C]),
         (near + "BYBOX 400 400 km ASC", [C, P, E2, E1]), (near + "BYBOX 400 200 km ASC", [C]),
         (near + "BYBOX 400 400 km COUNT 3", [C, P, E2]),
         (near + "BYBOX 400 400 km COUNT 1 DESC", [E1]),
         (near + "BYRADIUS 200 km ASC WITHDIST WITHHASH",
          [[C, b"56.4413", 3479447370796909], [P, b"190.4424", 3479099956230698]]),
         (near + "BYRADIUS 1 m", []), (near + "BYRADIUS inf m ASC", [C, P, E2, E1]),
         ("GEOSEARCH g FROMMEMBER Palermo BYRADIUS 0 m", [P]),
         ("GEOSEARCH g FROMMEMBER Palermo BYRADIUS 170 km ASC", [P, E1, C]),
         ("GEOSEARCH g FROMMEMBER none BYRADIUS 1 m", MEMBER),
         ("GEOSEARCH none FROMMEMBER none BYRADIUS 1 m", []))
    assert len(c.cmd(*shlex.split(near + "BYRADIUS 900 km COUNT 2 ANY"))) == 2


@case(protocols=BOTH)
def test_geosearch_refuses(c):
    both = "GEOSEARCH g FROMMEMBER Palermo "
    rows(c,
         (SICILY, 4),
         ("GEOSEARCH g BYRADIUS 1 m ASC ASC ASC", Error(
             "ERR exactly one of FROMMEMBER or FROMLONLAT can be specified for GEOSEARCH")),
         ("geosearch g FROMMEMBER Palermo ASC ASC ASC", Error(
             "ERR exactly one of BYRADIUS and BYBOX can be specified for geosearch")),
         (both + "FROMLONLAT 1 1 BYRADIUS 1 m", SYNTAX),
         (both + "BYRADIUS 1 m BYBOX 1 1 m", SYNTAX),
         (both + "BYRADIUS x m", Error("ERR need numeric radius")),
         (both + "BYRADIUS -1 m", Error("ERR radius cannot be negative")),
         (both + "BYRADIUS 1 x", UNIT), (both + "BYBOX x 1 m", Error("ERR need numeric width")),
         (both + "BYBOX 1 x m", Error("ERR need numeric height")),
         (both + "BYBOX 1 -1 m", Error("ERR height or width cannot be negative")),
         (both + "BYRADIUS 1 m COUNT 0", Error("ERR COUNT must be > 0")),
         (both + "BYRADIUS 1 m COUNT x",
          Error("ERR value is not an integer or out of range")),
         (both + "BYRADIUS 1 m COUNT", SYNTAX), (both + "BYRADIUS 1 m STOREDIST", SYNTAX),
         (both + "BYRADIUS 1 m STORE d", SYNTAX),
         (both + "BYRADIUS 1 m ANY", Error("ERR the ANY argument requires COUNT argument")),
         (both + "BYRADIUS 1", arity("geosearch")),
         ("SET s v", OK), ("GEOSEARCH s a b c d e f g", WRONG_TYPE))


@case(protocols=BOTH)
def test_geosearchstore(c):
    store = "GEOSEARCHSTORE d g FROMLONLAT 15 37 BYRADIUS 200 km "
    rows(c,
         (SICILY, 4), (store, 2), ("ZRANGE d 0 -1", [P, C]), (store + "COUNT 1", 1),
         ("ZRANGE d 0 -1", [C]), (store + "STOREDIST", 2), ("ZRANGE d 0 -1", [C, P]),
         (store + "WITHDIST", Error("ERR GEOSEARCHSTORE is not compatible with WITHDIST, WITHHASH "
                                    "and WITHCOORD options")),
         ("GEOSEARCHSTORE d none FROMLONLAT 1 1 BYRADIUS 1 m", 0), ("EXISTS d", 0),
         ("SET d v", OK), (store, 2), ("TYPE d", "zset"),
         ("GEOSEARCHSTORE d g FROMLONLAT 0 0 BYRADIUS 1 m", 0), ("EXISTS d", 0),
         ("GEOSEARCHSTORE g g FROMLONLAT 15 37 BYRADIUS 200 km", 2), ("ZCARD g", 2))


@case(protocols=BOTH)
def test_legacy_forms(c):
    wrong = Error("ERR STORE option in GEORADIUS is not compatible with WITHDIST, WITHHASH and "
                  "WITHCOORD options")
    rows(c,
         (SICILY, 4), ("GEORADIUS g 15 37 200 km ASC", [C, P]),
         ("GEORADIUS_RO g 15 37 200 km DESC WITHDIST", [[P, b"190.4424"], [C, b"56.4413"]]),
         ("GEORADIUS g 15 37 200 km COUNT 1", [C]), ("GEORADIUS g 15 37 200 km STORE d", 2),
         ("ZRANGE d 0 -1", [P, C]), ("GEORADIUS g 15 37 200 km STOREDIST d", 2),
         ("ZRANGE d 0 -1", [C, P]), ("GEORADIUS g 15 37 200 km STORE d WITHDIST", wrong),
         ("GEORADIUS g 15 37 200 km STORE", SYNTAX),
         ("GEORADIUS_RO g 15 37 200 km STORE d", SYNTAX),
         ("GEORADIUS g 15 37 200 km STORE d STOREDIST e", 2), ("ZRANGE e 0 -1", [C, P]),
         ("GEORADIUS g 200 37 200 km",
          Error("ERR invalid longitude,latitude pair 200.000000,37.000000")),
         ("GEORADIUS none 15 37 200 km", []), ("GEORADIUS none 15 37 200 km STORE e", 0),
         ("EXISTS e", 0), ("GEORADIUSBYMEMBER g Palermo 170 km ASC", [P, E1, C]),
         ("GEORADIUSBYMEMBER g none 1 km", MEMBER), ("GEORADIUSBYMEMBER none none x y", []),
         ("GEORADIUSBYMEMBER g Palermo 170 km STORE g", 3), ("ZCARD g", 3),
         ("GEORADIUSBYMEMBER_RO g Palermo 100 km ASC", [P, E1]),
         ("GEORADIUSBYMEMBER_RO g Palermo 100 km STORE d", SYNTAX),
         ("GEORADIUS g 1 1 1", arity("georadius")))


@case
def test_many_members(c):
    draw = random.Random(5)
    count = 20000
    for start in range(0, count, 1000):
        words = []
        for i in range(start, start + 1000):
            words += [f"{draw.uniform(-1, 1):.7f}", f"{draw.uniform(-1, 1):.7f}", f"m{i}"]
        assert c.cmd("GEOADD", "g", *words) == 1000
    search = shlex.split("GEOSEARCH g FROMLONLAT 0 0 BYRADIUS 500 km ASC WITHDIST")
    found = [[part.items for part in row.items] for row in c.cmd(*search).items]
    assert len(found) == count
    distances = [float(row[1]) for row in found]
    assert distances == sorted(distances)
    assert len({row[0] for row in found}) == count
    assert c.cmd(*shlex.split("GEOSEARCH g FROMLONLAT 0 0 BYBOX 500 500 km COUNT 5")) == [
        row[0] for row in found[:5]]
    store = "GEOSEARCHSTORE d g FROMLONLAT 0 0 BYRADIUS 500 km STOREDIST"
    assert c.cmd(*shlex.split(store)) == count
    assert c.cmd("ZRANGE", "d", 0, 4) == [row[0] for row in found[:5]]
    assert c.cmd(*shlex.split("GEORADIUS g 0 0 50 km STORE g")) == sum(d <= 50 for d in distances)


if __name__ == "__main__":
    main()
