"""Whether account and machine have what a deployment needs: what is asked, what is judged of the answers, and what to do."""
