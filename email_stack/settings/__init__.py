"""The e-mail settings API: what customers set themselves, over HTTP. What it is about is `mailroom.settings`."""
