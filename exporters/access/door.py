"""The door to access: who a credential stands for, how much they may ask, and the log of what they did."""

from collections.abc import Callable
from datetime import datetime, timedelta

from exporters.access.access_tokens import AccessToken, read_token
from exporters.access.audit import AuditLog
from exporters.access.callers import Caller, Identified
from exporters.access.errors import Unauthenticated
from exporters.access.keys import KeyStore
from exporters.access.limits import Limits
from exporters.access.memory import RecentCallers
from exporters.access.options import AccessOptions
from exporters.access.plans import HourlyLimits
from exporters.access.sign_in import SignIn
from exporters.access.tokens import TokenVerifier
from exporters.database import Database
from exporters.database.values import utc_now
from exporters.seal import Seal

KEY_MEMORY = timedelta(seconds=5)
"""How long a key is believed without a look at the records: a revocation takes effect within it."""
TOKEN_MEMORY = timedelta(minutes=1)
"""How long a token is believed without another check, its own end permitting."""
_LONGEST = 8_192
"""Characters of a credential."""


class Access:
    """Who may ask, how much, and the log of it. Open one per process; safe to share between threads.

    `members` gives the workshops of an organisation number (`Organisations.workshops`). Without a `seal`,
    there are no access tokens.
    """

    def __init__(
        self,
        database: Database,
        options: AccessOptions,
        *,
        members: Callable[[str], frozenset[str]],
        clock: Callable[[], datetime] = utc_now,
        seal: Seal | None = None,
    ) -> None:
        self.keys = KeyStore(database, clock)
        self.audit = AuditLog(database, clock)
        self.limits = Limits(options.rate_per_minute, options.concurrent_requests)
        self.hours = HourlyLimits(options.plans)
        self._tokens = TokenVerifier(options.tokens, clock) if options.tokens else None
        self._seal = seal
        self._sign_in = SignIn(self.keys, seal, clock) if seal else None
        self._members = members
        self._clock = clock
        self._recent = RecentCallers()

    def recall(self, credential: str) -> Caller | None:
        """Whom the credential stands for, if that was learnt lately: from memory alone, in microseconds."""
        if len(credential) > _LONGEST or not credential.isascii():
            return None
        return self._recent.find(credential, self._clock())

    def identify(self, credential: str) -> Caller:
        """Whom an API key, an access token or another service's token stands for.

        A credential seen lately takes microseconds; another one a look at the records, or a check of its
        signature and at times a call to where the key set is, of at most some seconds.

        Raises:
            Unauthenticated: it is none, or none that lets anyone in now.
            KeySetUnavailable: tokens cannot be judged yet.
            DatabaseUnavailable, WarehouseError, SealError: what tells who it is cannot be read.
        """
        known = self.recall(credential)
        if known is not None:
            return known
        if len(credential) > _LONGEST or not credential.isascii():
            raise Unauthenticated
        now = self._clock()
        by_key = self._by_key(credential, now)
        found, memory = (by_key, KEY_MEMORY) if by_key else (self._by_token(credential), TOKEN_MEMORY)
        lasts = memory if found.until is None else min(memory, found.until - now)
        self._recent.keep(credential, found.caller, now, lasts)
        return found.caller

    def sign_in(self, client: str, user: str, password: str, code: str | None) -> AccessToken:
        """Exchange a key for an access token, as `SignIn.exchange` has it."""
        if self._sign_in is None:
            raise Unauthenticated
        return self._sign_in.exchange(client, user, password, code)

    def close(self) -> None:
        """Write what the audit log still holds in memory, and stop its thread. The database stays open."""
        self.audit.close()

    def _by_key(self, credential: str, now: datetime) -> Identified | None:
        """Whom a key stands for, given itself or by an access token."""
        token = self._seal and read_token(self._seal, credential, now)
        key = self.keys.find(token[0]) if token else self.keys.match(credential)
        if key is None:
            return None
        workshops = key.workshops
        if key.organisation is not None:
            workshops = self._members(key.organisation)
        caller = Caller(f"key:{key.key_id}", workshops, key.scopes, key.organisation, key.plan)
        return Identified(caller, token[1] if token else key.expires_at)

    def _by_token(self, credential: str) -> Identified:
        if self._tokens is None:
            raise Unauthenticated
        return self._tokens.verify(credential)
