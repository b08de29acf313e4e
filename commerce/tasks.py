"""Background work of payments."""

from cbt.kernel import clock, jobs
from commerce.services.proofs import proof_remove, proofs_sweep


@jobs.handler("commerce.remove_proof")
def remove_proof(name: str) -> dict[str, bool]:
    """Remove a proof that another has replaced."""
    return {"removed": proof_remove(name=name)}


@jobs.periodic("commerce.sweep_proofs", every_seconds=86_400, purpose="remove proof files that no payment refers to")
def sweep_proofs() -> dict[str, int]:
    """Remove what crashes have left."""
    return {"removed": proofs_sweep(now=clock.now())}
