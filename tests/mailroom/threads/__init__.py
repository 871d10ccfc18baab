"""Threading: every order of arrival gives the same threads."""
