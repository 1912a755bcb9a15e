"""What reads the notebooks: directive lines, equations, the ledger, the index of names."""
