"""Explains unusable credentials: none, expired ones, no region; with the searched places and the command that helps.

botocore has a dozen errors for it, none of which tells both. Texts name the searched places, and never secrets.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final

from email_stack.output.printable import escaped

if TYPE_CHECKING:
    from botocore.session import Session

__all__ = ["explained"]

_KEYS: Final = "AWS_ACCESS_KEY_ID"
_PROFILES_AT_MOST: Final = 5


def explained(error: Exception) -> str:
    """One line with the fault of the credentials, the searched places, and the remedy; "" for another error."""
    from botocore import exceptions  # noqa: PLC0415 - it takes longer than most commands

    from mailroom import faults  # noqa: PLC0415 - as botocore

    kinds: list[tuple[tuple[type[Exception], ...], str]] = [
        ((exceptions.NoRegionError, exceptions.InvalidRegionError), "region"),
        ((exceptions.ProfileNotFound,), "profile"),
        ((exceptions.NoCredentialsError,), "none"),
        ((exceptions.PartialCredentialsError,), "partial"),
        ((exceptions.SSOError, exceptions.TokenRetrievalError), "sso"),
        ((exceptions.LoginError,), "login"),
        ((exceptions.ConfigParseError, exceptions.InvalidConfigError, exceptions.ConfigNotFound), "config"),
        ((exceptions.CredentialRetrievalError, exceptions.MissingDependencyException), "source"),
    ]
    kind = next((name for classes, name in kinds if isinstance(error, classes)), "")
    if isinstance(error, exceptions.ClientError):
        code = faults.code_of(error)
        kind = "expired" if code in faults.EXPIRED else "refused" if code in faults.UNKNOWN_CREDENTIALS else ""
    return _sentence(kind, error) if kind else ""


def _sentence(kind: str, error: Exception) -> str:
    place = _Place()
    said = escaped(" ".join(str(error).split()))
    return {
        "region": f"AWS region: none is usable for {place.named}, got {said}; run: export AWS_REGION=eu-central-1",
        "profile": f"AWS {place.named}: is in none of {place.files}, which have {place.others}; {place.choose}",
        "none": f"AWS credentials: none found, looked for {_KEYS} in the environment, {place.named} in {place.files}, and a role "
        f"of this machine; {place.sign_in}",
        "partial": f"AWS credentials: incomplete, got {said}; set both {_KEYS} and AWS_SECRET_ACCESS_KEY, or unset both",
        "sso": f"AWS credentials: the SSO session of {place.named} has expired or was never opened; run: {place.sso_login}",
        "login": f"AWS credentials: the login session of {place.named} cannot be used; run: aws login{place.option}",
        "config": f"AWS config: {place.files} cannot be used, got {said}; correct it, or run: aws configure{place.option}",
        "source": f"AWS credentials: the source of {place.named} gave none, got {said}; repair that, or {place.sign_in}",
        "expired": f"AWS credentials: those of {place.source} have expired; {place.sign_in}",
        "refused": f"AWS credentials: AWS does not take those of {place.source}, got {said}; {place.sign_in}",
    }[kind]


class _Place:
    """The places of credentials in this machine's set-up."""

    def __init__(self) -> None:
        from botocore.session import Session  # noqa: PLC0415 - see above

        session: Session = Session()
        self._variable = next((name for name in ("AWS_PROFILE", "AWS_DEFAULT_PROFILE") if os.environ.get(name)), "")
        self._profile = os.environ[self._variable] if self._variable else "default"
        self._profiles = _profiles(session)
        self.files = (
            f"{session.get_config_variable('config_file')} and {session.get_config_variable('credentials_file')}"
        )

    @property
    def named(self) -> str:
        """The used profile, and the origin of its name."""
        return f'profile "{escaped(self._profile)}"' + (f" ({self._variable})" if self._variable else "")

    @property
    def source(self) -> str:
        """Source of the used credentials: the environment precedes a profile."""
        return f"the environment ({_KEYS})" if os.environ.get(_KEYS) else self.named

    @property
    def option(self) -> str:
        """The AWS CLI's option for the profile."""
        return f' --profile "{escaped(self._profile)}"' if self._variable else ""

    @property
    def others(self) -> str:
        """The existing profiles."""
        shown = [f'"{escaped(name)}"' for name in list(self._profiles)[:_PROFILES_AT_MOST]]
        more = len(self._profiles) - len(shown)
        return (", ".join(shown) or "none") + (f" and {more} more" if more > 0 else "")

    @property
    def choose(self) -> str:
        """The remedy for a missing profile."""
        make = f"aws configure sso{self.option}"
        return (
            f"set {self._variable or 'AWS_PROFILE'} to one of them, or run: {make}"
            if self._profiles
            else f"run: {make}"
        )

    @property
    def sso_login(self) -> str:
        """The command that opens an SSO session."""
        return f"aws sso login{self.option}"

    @property
    def sign_in(self) -> str:
        """The remedy for missing or refused credentials."""
        own = self._profiles.get(self._profile, {})
        if os.environ.get(_KEYS):
            return f"set new ones in the environment, or unset {_KEYS} and run: {self.sso_login}"
        if "sso_session" in own or "sso_start_url" in own:
            return f"run: {self.sso_login}"
        if self._profiles and not self._variable:
            return f"set AWS_PROFILE to one of {self.others}, or run: aws configure sso"
        return f"run: aws configure sso{self.option}"


def _profiles(session: Session) -> dict[str, Any]:
    from botocore.exceptions import BotoCoreError  # noqa: PLC0415 - see above

    try:
        return dict(session.full_config.get("profiles", {}))
    except BotoCoreError:
        # The file with the profiles is broken.
        return {}
