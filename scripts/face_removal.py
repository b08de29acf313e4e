"""Show that a dialect goes with its folder and its line: for each, in a copy of the project without them,

the server's own checks pass, no model has changed, the documents of the other faces are what the code says, every test
of the other rooms can still be collected, and the table of routes and what the walks send are the routes that are left.
Exit code 1 and the output where one does not hold.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FACES = sorted(found.parent.name for found in (ROOT / "cbt/faces").glob("*/__init__.py"))
LEFT = ["tests/test_routes.py", "tests/test_calls.py::test_bodies__then_none_is_left_over"]
PYTEST = [sys.executable, "-m", "pytest", "-q", "-p", "no:randomly", "-p", "no:cacheprovider"]
STEPS = [
    [sys.executable, "manage.py", "check"],
    [sys.executable, "manage.py", "makemigrations", "--check", "--dry-run"],
    [sys.executable, "manage.py", "openapi", "--check"],
    [*PYTEST, "--collect-only"],
    [*PYTEST, *LEFT],
]


def copy_without(face: str, target: Path) -> None:
    """Copy what the repository holds, without the face's folder and the one line that names it outside of it."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout.splitlines()
    for name in listed:
        if name.startswith(f"cbt/faces/{face}/") or not (ROOT / name).is_file():
            continue
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, target / name)
    urls = target / "cbt/urls.py"
    lines = urls.read_text().splitlines(keepends=True)
    left = [line for line in lines if f'include("cbt.faces.{face}.urls")' not in line]
    if len(lines) - len(left) != 1:
        raise SystemExit(f"{face}: {len(lines) - len(left)} lines of cbt/urls.py name it; it should be one")
    urls.write_text("".join(left))


def faults_without(face: str) -> list[str]:
    """Return what fails without a face."""
    with tempfile.TemporaryDirectory(prefix=f"without-{face}-") as folder:
        target = Path(folder)
        copy_without(face, target)
        kept = {name: value for name, value in os.environ.items() if name not in {"DATABASE_URL", "REDIS_URL"}}
        environment = {**kept, "PYTHONDONTWRITEBYTECODE": "1", "DATA_DIR": f"{folder}/var", "READ_DOT_ENV": "0"}
        faults = []
        for step in STEPS:
            done = subprocess.run(step, cwd=target, env=environment, check=False, capture_output=True, text=True)
            if done.returncode:
                faults.append(f"{' '.join(step[1:])}\n{done.stdout[-3000:]}{done.stderr[-3000:]}")
        return faults


def main() -> int:
    """Try every face; two at a time, as a machine of two cores likes it."""
    with ThreadPoolExecutor(2) as pool:
        found = dict(zip(FACES, pool.map(faults_without, FACES), strict=True))
    for face, faults in found.items():
        print(f"without {face}: {'ok' if not faults else 'FAILS'}")
        for fault in faults:
            print(fault)
    return int(any(found.values()))


if __name__ == "__main__":
    raise SystemExit(main())
