"""What the database refuses on the ledger floor: the nearest row that holds, and the bad one."""

import datetime as dt
import uuid
from decimal import Decimal

import pytest
from django.db import connection

from ledger.models import (
    Contract,
    ContractAccount,
    Customer,
    CustomerCluster,
    Firm,
    LedgerEntry,
    Payment,
)
from tests import builders
from tests.constraints import Case, cases, check, refused

pytestmark = pytest.mark.django_db

DAY = dt.date(2026, 5, 20)
NEXT_DAY = dt.date(2026, 5, 21)
CENT = Decimal("0.01")


def new_account(**fields) -> ContractAccount:
    account = builders.make_customer().contracts.get().account
    if fields:
        ContractAccount.objects.filter(pk=account.pk).update(**fields)
        account.refresh_from_db()
    return account


def post(account: ContractAccount | None = None, **fields) -> LedgerEntry:
    """An entry that follows the newest one; every field can be given."""
    account = account or new_account()
    account.refresh_from_db()
    fields.setdefault("type", "Receivable")
    fields.setdefault("amount", Decimal("89.25"))
    fields.setdefault("sequence", account.last_sequence + 1)
    fields.setdefault("balance", account.balance + fields["amount"])
    fields.setdefault("currency", account.contract.currency)
    fields.setdefault("fact", f"test:{builders.number()}")
    fields.setdefault("timestamp", dt.datetime(2026, 5, 20, 6, 23, 25, tzinfo=dt.UTC))
    fields.setdefault("booking_date", DAY)
    return LedgerEntry.objects.create(account=account, description="test", **fields)


def pay(account: ContractAccount, amount: Decimal = CENT) -> Payment:
    return Payment.objects.create(
        account=account,
        operation=uuid.uuid4(),
        method="cash",
        amount=amount,
        booking_date=DAY,
    )


def change(row, **fields) -> None:
    """One UPDATE, past every check in Python."""
    type(row)._base_manager.filter(pk=row.pk).update(**fields)


def two_contracts(*, second_is_default: bool) -> None:
    builders.make_contract(builders.make_customer(), is_default=second_is_default)


def two_entries(second: dict, first: dict | None = None) -> None:
    account = new_account()
    post(account, **(first or {}))
    account.refresh_from_db()
    post(account, **second)


def raw(sql: str, *parameters) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)


def delete_unreferenced(model, row) -> None:
    raw(f"DELETE FROM {model._meta.db_table} WHERE id = %s", row.pk)


CASES = cases(
    Case(
        "firm_is_one",
        holds=lambda: Firm.objects.create(id=1, name="Nordlicht"),
        refused=lambda: Firm.objects.create(id=2, name="Nordlicht"),
    ),
    Case(
        "customer_frequency_is_positive",
        holds=lambda: change(builders.make_customer(), frequency_count=1),
        refused=lambda: change(builders.make_customer(), frequency_count=0),
    ),
    Case(
        "customer_suspended_has_reason",
        holds=lambda: change(builders.make_customer(), suspended=True, suspended_reason="moved"),
        refused=lambda: change(builders.make_customer(), suspended=True, suspended_reason=""),
    ),
    Case(
        "customer_code_is_fixed",
        holds=lambda: change(builders.make_customer(code="C-1"), code="C-1", name="Other"),
        refused=lambda: change(builders.make_customer(code="C-1"), code="C-2"),
    ),
    Case(
        "customer_bill_from_is_used",
        holds=lambda: change(builders.make_customer(), bill_from=DAY),
        refused=lambda: change(builders.make_invoice().customer, bill_from=DAY),
    ),
    Case(
        "contract_one_default_per_customer",
        holds=lambda: two_contracts(second_is_default=False),
        refused=lambda: two_contracts(second_is_default=True),
    ),
    Case(
        "contract_currency_is_fixed",
        holds=lambda: change(builders.make_customer().contracts.get(), currency="EUR"),
        refused=lambda: change(builders.make_customer().contracts.get(), currency="USD"),
    ),
    Case(
        "contract_ends_after_start",
        holds=lambda: change(new_account().contract, starts_on=DAY, ends_on=DAY),
        refused=lambda: change(new_account().contract, starts_on=NEXT_DAY, ends_on=DAY),
    ),
    Case(
        "contract_terms_are_complete",
        holds=lambda: change(
            new_account().contract, terms_kind="day_of_month", terms_days=31, terms_months=1
        ),
        refused=lambda: change(
            new_account().contract, terms_kind="day_of_month", terms_days=32, terms_months=1
        ),
    ),
    Case(
        "account_credit_limit_not_negative",
        holds=lambda: change(new_account(), credit_limit=0),
        refused=lambda: change(new_account(), credit_limit=-CENT),
    ),
    Case(
        "ledger_account_balance_follows",
        holds=lambda: change(new_account(), balance=0),
        refused=lambda: change(new_account(), balance=CENT),
    ),
    Case(
        "ledger_account_begins_empty",
        holds=lambda: ContractAccount.objects.create(
            contract=Contract.objects.create(customer=builders.make_customer(), reference="V-1")
        ),
        refused=lambda: ContractAccount.objects.create(
            contract=Contract.objects.create(customer=builders.make_customer(), reference="V-1"),
            balance=CENT,
        ),
    ),
    Case(
        "payment_amount_is_positive",
        holds=lambda: pay(new_account(), CENT),
        refused=lambda: pay(new_account(), Decimal(0)),
    ),
    Case(
        "entry_sequence_once",
        holds=lambda: two_entries({"sequence": 2}),
        refused=lambda: two_entries({"sequence": 1}),
    ),
    Case(
        "ledger_entry_continues",
        holds=lambda: two_entries({"sequence": 2, "amount": CENT, "balance": Decimal("89.26")}),
        refused=lambda: two_entries({"sequence": 2, "amount": CENT, "balance": Decimal("89.25")}),
    ),
    Case(
        "entry_fact_once",
        holds=lambda: two_entries({"fact": "invoice:2"}, {"fact": "invoice:1"}),
        refused=lambda: two_entries({"fact": "invoice:1"}, {"fact": "invoice:1"}),
    ),
    Case(
        "entry_sign_follows_type",
        holds=lambda: post(type="Receivable", amount=Decimal(0)),
        refused=lambda: post(type="Receivable", amount=-CENT),
    ),
    Case(
        "entry_payment_iff_named",
        holds=lambda: post(a := new_account(), type="Payment", amount=-CENT, payment=pay(a)),
        refused=lambda: post(a := new_account(), type="WriteOff", amount=-CENT, payment=pay(a)),
    ),
    Case(
        "entry_due_after_booking",
        holds=lambda: post(booking_date=DAY, due_date=DAY),
        refused=lambda: post(booking_date=NEXT_DAY, due_date=DAY),
    ),
    Case(
        "ledger_entry_append_only",
        holds=lambda: post(),
        refused=lambda: raw("UPDATE ledger_ledgerentry SET amount = 0 WHERE id = %s", post().pk),
    ),
    Case(
        "ledger_customercluster_place",
        holds=lambda: change(builders.make_cluster(), parent=builders.make_cluster()),
        refused=lambda: change(
            a := builders.make_cluster(), parent=builders.make_cluster(parent=a)
        ),
    ),
)


@pytest.mark.parametrize("case", CASES)
def test_the_database_refuses(case: Case):
    check(case)


@pytest.mark.requirement("B-20")
@pytest.mark.parametrize("kind", ["CreditMemo", "Payment", "WriteOff"])
def test_a_credit_is_never_positive(kind):
    post(type=kind, amount=-CENT)
    with refused("entry_sign_follows_type"):
        post(type=kind, amount=CENT)


@pytest.mark.parametrize("fields", [{"sequence": 3}, {"sequence": 0}, {"currency": "USD"}])
def test_an_entry_follows_the_newest_in_its_account_and_currency(fields):
    with refused("ledger_entry_continues"):
        two_entries({"amount": CENT, "balance": Decimal("89.26")} | fields)


@pytest.mark.requirement("B-11", "R2")
def test_an_entry_is_never_deleted():
    entry = post()
    with refused("ledger_entry_append_only"):
        delete_unreferenced(LedgerEntry, entry)
    with pytest.raises(TypeError):
        LedgerEntry.objects.all().delete()
    with pytest.raises(TypeError):
        entry.save()


@pytest.mark.requirement("B-21", "R4")
def test_the_account_carries_the_balance_of_its_newest_entry():
    account = new_account()
    post(account, amount=Decimal("89.25"))
    post(account, type="Payment", amount=Decimal("-89.25"))
    account.refresh_from_db()
    assert (account.balance, account.last_sequence) == (0, 2)


def test_an_entry_that_is_skipped_as_a_duplicate_leaves_the_account_alone():
    account = new_account()
    first = post(account, fact="invoice:1")
    double = LedgerEntry(
        account=account,
        sequence=2,
        type="Receivable",
        fact=first.fact,
        description="double",
        currency="EUR",
        amount=CENT,
        balance=first.balance + CENT,
        timestamp=first.timestamp,
        booking_date=DAY,
    )
    LedgerEntry.objects.bulk_create([double], ignore_conflicts=True)
    account.refresh_from_db()
    assert (account.balance, account.last_sequence) == (first.balance, 1)


def test_several_entries_in_one_statement_continue_each_other():
    account = new_account()
    LedgerEntry.objects.bulk_create(
        LedgerEntry(
            account=account,
            sequence=n,
            type="Receivable",
            fact=f"invoice:{n}",
            description="",
            currency="EUR",
            amount=1,
            balance=n,
            timestamp=dt.datetime(2026, 5, 20, tzinfo=dt.UTC),
            booking_date=DAY,
        )
        for n in (1, 2, 3)
    )
    account.refresh_from_db()
    assert (account.balance, account.last_sequence) == (3, 3)


@pytest.mark.constraint("ledger_customercluster_move_children")
def test_a_moved_cluster_takes_everything_below_it_along():
    top, other = builders.make_cluster(), builders.make_cluster()
    middle = builders.make_cluster(parent=top)
    leaf = builders.make_cluster(parent=middle)
    change(middle, parent=other)
    leaf.refresh_from_db()
    assert leaf.path == [other.pk, middle.pk, leaf.pk]
    with refused("ledger_customercluster_place"):
        change(other, parent=leaf)


def test_the_path_of_a_cluster_cannot_be_written():
    cluster = builders.make_cluster(parent=builders.make_cluster())
    path = cluster.path
    CustomerCluster.objects.filter(pk=cluster.pk).update(path=[7])
    cluster.refresh_from_db()
    assert cluster.path == path


def test_a_customer_keeps_the_code_also_in_bulk():
    one = builders.make_customer()
    one.code = "changed"
    with refused("customer_code_is_fixed"):
        Customer.objects.bulk_update([one], ["code"])


@pytest.mark.constraint("customer_pricing_changed", "cluster_pricing_changed")
@pytest.mark.requirement("H-CB3")
def test_a_move_to_another_cluster_is_stamped_and_nothing_takes_the_stamp_back():
    top, other = builders.make_cluster(), builders.make_cluster()
    below = builders.make_cluster(parent=top)
    customer = builders.make_customer(cluster=below)

    def stamps() -> tuple:
        return tuple(
            type(row).objects.get(pk=row.pk).pricing_changed_at for row in (below, customer)
        )

    change(below, name="renamed")
    change(customer, name="renamed")
    assert stamps() == (None, None)
    change(top, parent=other)
    moved_with_its_parent, _ = stamps()
    assert moved_with_its_parent is not None
    change(customer, cluster=other)
    assert stamps()[1] is not None
    before = stamps()
    change(below, pricing_changed_at=None)
    change(customer, pricing_changed_at=None)
    assert stamps() == before
