"""Runs scripts of node/ with packages from npm, installed into $POLLARD_NODE_CACHE (build tree).

Skips the case without node or when npm cannot reach its registry.
"""
import os
import shutil
import subprocess

from pollard_test import SLOW, Skip

HERE = os.path.dirname(os.path.abspath(__file__))
CACHE = os.environ.get("POLLARD_NODE_CACHE") or os.path.join(HERE, "..", "..", "build",
                                                             "node-clients")


def install():
    """Installs the two packages once; afterwards only looks."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        raise Skip("no node or npm")
    os.makedirs(CACHE, exist_ok=True)
    if all(os.path.isdir(os.path.join(CACHE, "node_modules", name))
           for name in ("ioredis", "redis")):
        return
    shutil.copy(os.path.join(HERE, "node", "package.json"), CACHE)
    try:
        done = subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts"],
                              cwd=CACHE, capture_output=True, timeout=120, check=False)
    except subprocess.TimeoutExpired:
        raise Skip("npm install took too long") from None
    if done.returncode != 0:
        raise Skip("npm install failed: " + done.stderr.decode().strip().splitlines()[0][:200])


def run(c, script):
    install()
    done = subprocess.run(["node", os.path.join(HERE, "node", script), c.server.socket_path],
                          cwd=CACHE, capture_output=True, timeout=60 * SLOW, check=False)
    assert done.returncode == 0, (done.stdout + done.stderr).decode()
