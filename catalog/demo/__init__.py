"""Demo tests as documents, and the generator of their pictures."""
