"""Demo users, one per role, all with the same published password."""

from dataclasses import dataclass

from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Group, User

PASSWORD = "quittance-demo"  # noqa: S105 - published on purpose; the demo listens on loopback only


@dataclass(frozen=True, slots=True)
class DemoUser:
    """A login and what it may do."""

    username: str
    first_name: str
    last_name: str
    role: str
    groups: tuple[str, ...] = ()
    is_admin: bool = False


CLERK = ("Finance", "Invoice approval", "Allow update billing", "Apps - Change Queue")
USERS = (
    DemoUser("finance", "Fiona", "Kranz", "Finance clerk who may approve", CLERK),
    DemoUser("finance2", "Carl", "Brandt", "Second clerk, for what takes four eyes", CLERK),
    DemoUser("approver", "Arne", "Vogel", "Invoice approval", ("Invoice approval",)),
    DemoUser("auditor", "Udo", "Stein", "Auditor, reads everything", ("Auditor",)),
    DemoUser("admin", "Ada", "Mertens", "Administrator", is_admin=True),
)


def create_users() -> dict[str, User]:
    """The demo users, by user name."""
    hashed = make_password(PASSWORD)
    groups = {group.name: group for group in Group.objects.all()}
    created = {}
    for demo in USERS:
        user = User.objects.create(
            username=demo.username,
            first_name=demo.first_name,
            last_name=demo.last_name,
            email=f"{demo.username}@demo.example",
            password=hashed,
            is_staff=demo.is_admin,
            is_superuser=demo.is_admin,
        )
        user.groups.set(groups[name] for name in demo.groups)
        created[demo.username] = user
    return created


def logins() -> list[dict[str, str]]:
    """What the start shows: role, user name and password."""
    return [{"role": user.role, "username": user.username, "password": PASSWORD} for user in USERS]
