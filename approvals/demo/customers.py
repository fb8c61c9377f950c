"""Whom the demo company bills: sixty customers in a cluster tree, in euro and Swiss francs."""

import datetime as dt
import random

from ledger.models import CustomerCluster

# name, parent, customers that belong to it
CLUSTERS = (
    ("All customers", None, 0),
    ("Germany", "All customers", 0),
    ("Enterprise", "Germany", 14),
    ("Small business", "Germany", 22),
    ("Public sector", "Germany", 7),
    ("Switzerland", "All customers", 11),
    ("Partners", "All customers", 6),
)
FIRST = (
    "Alster", "Birken", "Dohlen", "Elster", "Fichten", "Grau", "Hafen", "Isar", "Jade", "Kiebitz",
    "Linden", "Morgen", "Nebel", "Ostwind", "Pappel", "Quell", "Reiher", "Silber", "Tannen", "Ufer",
)  # fmt: skip
SECOND = (
    "bau", "druck", "energie", "fracht", "gastro", "handel", "labor", "logistik", "medien", "optik",
    "pflege", "reisen", "service", "technik", "verlag", "werk",
)  # fmt: skip
TOWNS = {
    "DE": (("20095", "Hamburg"), ("10115", "Berlin"), ("50667", "Köln"), ("04109", "Leipzig"),
           ("70173", "Stuttgart"), ("28195", "Bremen"), ("24103", "Kiel")),
    "CH": (("8001", "Zürich"), ("3011", "Bern"), ("4051", "Basel"), ("9000", "St. Gallen")),
}  # fmt: skip
STREETS = ("Am Kai", "Bahnhofstraße", "Gartenweg", "Lagerstraße", "Mühlenweg", "Ringstraße")
LEGAL = {"Public sector": "Stadtwerke", "Partners": "Systemhaus"}


def create_clusters() -> dict[str, CustomerCluster]:
    """The cluster tree, by name."""
    clusters: dict[str, CustomerCluster] = {}
    for name, parent, _ in CLUSTERS:
        clusters[name] = CustomerCluster.objects.create(
            name=name, parent=clusters[parent] if parent else None
        )
    return clusters


def describe_customers(choice: random.Random, first_month: dt.date) -> list[dict]:
    """Fields of sixty customers, with the name of their cluster and their currency."""
    names = [f"{a}{b}" for a in FIRST for b in SECOND]
    choice.shuffle(names)
    described: list[dict] = []
    for cluster, _, count in CLUSTERS:
        for _ in range(count):
            described.append(_describe(choice, cluster, names.pop(), len(described) + 1))
    for late in described[5::9]:
        late["bill_from"] = _months_after(first_month, choice.randint(3, 10))
    for customer in described:
        customer.setdefault("bill_from", first_month)
    return described


def _describe(choice: random.Random, cluster: str, stem: str, position: int) -> dict:
    swiss = cluster == "Switzerland"
    country = "CH" if swiss else "DE"
    postal_code, city = choice.choice(TOWNS[country])
    prefix = LEGAL.get(cluster)
    if prefix:
        name = f"{prefix} {stem}"
    else:
        name = f"{stem} {'AG' if swiss or cluster == 'Enterprise' else 'GmbH'}"
    return {
        "cluster": cluster,
        "currency": "CHF" if swiss else "EUR",
        "code": f"{'CH' if swiss else 'DE'}{10_000 + position * 7}",
        "name": name,
        "street": f"{choice.choice(STREETS)} {choice.randint(1, 120)}",
        "postal_code": postal_code,
        "city": city,
        "country": country,
        "language": "de" if choice.random() < 0.7 else "en",
        "time_zone": "Europe/Zurich" if swiss else "Europe/Berlin",
        "email": f"rechnung@{stem.lower()}.example",
        "contact_name": choice.choice(("A. Brandt", "J. Keller", "M. Sommer", "S. Vogt")),
        "metadata": {"cost centre": str(4000 + position)},
        "terms_days": choice.choice((10, 14, 30)),
    }


def _months_after(day: dt.date, months: int) -> dt.date:
    index = day.year * 12 + day.month - 1 + months
    return dt.date(index // 12, index % 12 + 1, 1)
