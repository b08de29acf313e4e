"""Check the locked runtime packages for known weaknesses with pip-audit.

Exit 0: none found, or the advisories cannot be reached (said so). Exit 1: something was found.
"""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SECONDS = 90


def run() -> subprocess.CompletedProcess[str] | None:
    """Run pip-audit over the lock file; None when it took too long."""
    command = [sys.executable, "-m", "pip_audit", "--requirement", str(ROOT / "requirements.txt"), "--require-hashes",
               "--disable-pip", "--format", "json", "--progress-spinner", "off", "--timeout", "10"]  # fmt: skip
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return None


def main() -> int:
    """Print one line a finding, or why nothing can be said."""
    ended = run()
    try:
        packages = json.loads(ended.stdout)["dependencies"] if ended else []
    except (json.JSONDecodeError, KeyError, TypeError):
        packages = []
    looked_at = [package for package in packages if "vulns" in package]
    if not looked_at:
        reason = (ended.stderr.strip().splitlines() or [""])[-1] if ended else f"no answer within {SECONDS} s"
        if packages:
            reason = str(packages[0].get("skip_reason", ""))
        print(f"audit: NOT DONE, the advisories cannot be reached: {reason[:200]}")
        return 0
    findings = [(package, found) for package in looked_at for found in package["vulns"]]
    for package, found in findings:
        fixed = ", ".join(found["fix_versions"]) or "no version yet"
        print(f"audit: {package['name']} {package['version']}: {found['id']}, fixed in {fixed}")
    skipped = len(packages) - len(looked_at)
    print(f"audit: {len(looked_at)} packages looked at, {skipped} could not be, {len(findings)} findings")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
