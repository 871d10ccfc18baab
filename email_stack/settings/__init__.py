"""The e-mail settings API: self-service over HTTP. Its rules are in `mailroom.settings`."""
