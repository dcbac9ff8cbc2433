"""Access policies of resources, as their owners set them: kept and shown. Nothing is decided by them on one machine.

- `document`: pure; what a policy may say.
- `accounts`: service accounts that somebody made by name.
- `store`, `service`: the rows, and one transaction a verb.
"""

from trainshed.policies.accounts import Account, Accounts
from trainshed.policies.service import Service
from trainshed.policies.store import forget

__all__ = ["Account", "Accounts", "Service", "forget"]
