"""Questions of doctor, and its verdicts on the answers."""
