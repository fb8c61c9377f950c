"""What the demo company sells: categories, items and the rules that price them."""

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal

from inventory.enums import ItemKind, ItemType
from inventory.models import BillingPlatform, CatalogueItem, ProductCategory
from invoicing.enums import LadderMode, Operator
from invoicing.models import PriceTier, PricingRule
from ledger.models import CustomerCluster

# name, parent
CATEGORIES = (
    ("Telecom", None),
    ("Mobile", "Telecom"),
    ("Voice", "Telecom"),
    ("Connectivity", "Telecom"),
    ("Cloud", None),
    ("Compute", "Cloud"),
    ("Storage", "Cloud"),
    ("Backup", "Cloud"),
    ("Licences", None),
    ("Services", None),
)


@dataclass(frozen=True, slots=True)
class DemoItem:
    """One catalogue item; prices in the customer's currency per unit."""

    code: str
    name: str
    category: str
    item_type: str
    unit: str
    price: str
    cost: str
    typical: int  # usual quantity of one purchase
    purchases: int  # usual purchases a month
    minimum: str = "0"
    increment: str | None = None
    external: bool = False


ITEMS = (
    DemoItem("MOB-S", "Mobile tariff S, 5 GB", "Mobile", ItemType.SERVICE_WITH_CLI, "SIM", "9.90", "6.10", 6, 1, external=True),
    DemoItem("MOB-L", "Mobile tariff L, 40 GB", "Mobile", ItemType.SERVICE_WITH_CLI, "SIM", "24.90", "17.50", 4, 1, external=True),
    DemoItem("MOB-DATA", "Mobile data beyond the tariff", "Mobile", ItemType.USAGE, "MB", "0.0042", "0.0019", 900, 4),
    DemoItem("MOB-ROAM", "Roaming data, world zone 2", "Mobile", ItemType.USAGE, "MB", "0.0890", "0.0510", 120, 1),
    DemoItem("VOI-NAT", "Calls to national numbers", "Voice", ItemType.USAGE, "minute", "0.0190", "0.0072", 14, 9, "1", "1"),
    DemoItem("VOI-MOB", "Calls to mobile numbers", "Voice", ItemType.USAGE, "minute", "0.0990", "0.0610", 6, 7, "1", "1"),
    DemoItem("VOI-INT", "Calls to Europe", "Voice", ItemType.USAGE, "minute", "0.0490", "0.0230", 8, 3, "1", "1"),
    DemoItem("SIP-CH", "SIP trunk channel", "Voice", ItemType.SERVICE, "channel", "4.50", "1.90", 8, 1),
    DemoItem("FIB-250", "Fibre line 250 Mbit/s", "Connectivity", ItemType.SERVICE_WITH_CLI, "line", "69.00", "41.00", 1, 1),
    DemoItem("FIB-1000", "Fibre line 1 Gbit/s", "Connectivity", ItemType.SERVICE_WITH_CLI, "line", "139.00", "88.00", 1, 1),
    DemoItem("VPN-SITE", "Site-to-site VPN", "Connectivity", ItemType.SERVICE, "site", "29.00", "9.00", 2, 1),
    DemoItem("VM-STD", "Virtual machine, 2 vCPU and 8 GB", "Compute", ItemType.USAGE, "hour", "0.0640", "0.0395", 720, 2),
    DemoItem("VM-MEM", "Virtual machine, 4 vCPU and 32 GB", "Compute", ItemType.USAGE, "hour", "0.1980", "0.1220", 540, 1),
    DemoItem("K8S-NODE", "Kubernetes node", "Compute", ItemType.USAGE, "hour", "0.0870", "0.0520", 720, 1),
    DemoItem("OUT-TRAF", "Outbound traffic", "Compute", ItemType.USAGE, "GB", "0.0600", "0.0210", 180, 4),
    DemoItem("OBJ-GB", "Object storage", "Storage", ItemType.USAGE, "GB", "0.0210", "0.0125", 1500, 4),
    DemoItem("BLK-GB", "Block storage, SSD", "Storage", ItemType.USAGE, "GB", "0.0950", "0.0580", 400, 2),
    DemoItem("BCK-GB", "Backup space", "Backup", ItemType.USAGE, "GB", "0.0390", "0.0170", 800, 4),
    DemoItem("BCK-AGT", "Backup agent", "Backup", ItemType.SERVICE, "server", "6.90", "2.40", 5, 1),
    DemoItem("LIC-OFF", "Office suite, business", "Licences", ItemType.SERVICE, "user", "11.70", "9.60", 22, 1),
    DemoItem("LIC-SEC", "Endpoint protection", "Licences", ItemType.SERVICE, "device", "3.20", "1.85", 30, 1),
    DemoItem("SUP-HR", "Support by the hour", "Services", ItemType.ONE_OFF, "hour", "98.00", "61.00", 2, 2, "0.25", "0.25"),
    DemoItem("INS-ONS", "Installation on site", "Services", ItemType.ONE_OFF, "visit", "240.00", "155.00", 1, 0),
    DemoItem("RTR-PRO", "Router Pro", "Connectivity", ItemType.HARDWARE, "piece", "329.00", "251.00", 1, 0),
)  # fmt: skip
UNPRICED = DemoItem("GPU-HR", "GPU node, preview", "Preview", ItemType.USAGE, "hour", "0", "0", 20, 0)  # fmt: skip
EXTERNAL_PLATFORM = "Tariffwerk Mobile"


def create_catalogue() -> dict[str, CatalogueItem]:
    """Categories, platforms and items, by code."""
    categories: dict[str, ProductCategory] = {}
    for name, parent in (*CATEGORIES, ("Preview", None)):
        categories[name] = ProductCategory.objects.create(
            name=name, parent=categories[parent] if parent else None
        )
    platform = BillingPlatform.objects.create(
        name=EXTERNAL_PLATFORM, notes="SIM tariffs are billed there; numbers are sent weekly."
    )
    in_house = BillingPlatform.objects.get(is_in_house=True)
    items = [
        CatalogueItem(
            code=item.code,
            name=item.name,
            kind=ItemKind.PRODUCT if item.item_type == ItemType.HARDWARE else ItemKind.SERVICE,
            item_type=item.item_type,
            category=categories[item.category],
            unit=item.unit,
            metering_minimum=Decimal(item.minimum),
            metering_increment=Decimal(item.increment) if item.increment else None,
            upfront_route=in_house if item.item_type == ItemType.HARDWARE else None,
            recurring_route=platform if item.external else None,
            **_amounts(item),
        )
        for item in (*ITEMS, UNPRICED)
    ]
    CatalogueItem.objects.bulk_create(items)
    return {item.code: item for item in items}


def _amounts(item: DemoItem) -> dict[str, Decimal]:
    if item is UNPRICED:
        return {}
    if item.item_type in (ItemType.SERVICE, ItemType.SERVICE_WITH_CLI):
        return {"recurring_price": Decimal(item.price), "recurring_cost": Decimal(item.cost)}
    return {"upfront_price": Decimal(item.price), "upfront_cost": Decimal(item.cost)}


def create_rules(clusters: dict[str, CustomerCluster], since: dt.date) -> None:
    """The price list: catalogue prices, two ladders, two discounts, VAT by region."""
    categories = {category.name: category for category in ProductCategory.objects.all()}

    def rule(name: str, operator: str, *, category=None, cluster=None, **fields) -> PricingRule:
        return PricingRule.objects.create(
            name=name,
            operator=operator,
            product_category=categories[category] if category else None,
            customer_cluster=clusters[cluster] if cluster else None,
            valid_from=since,
            **fields,
        )

    for category in ("Telecom", "Cloud", "Licences", "Services"):
        rule(f"{category}: catalogue price", Operator.PRICE, category=category)
    storage = rule(
        "Storage: graduated price per GB",
        Operator.PRICE_LADDER,
        category="Storage",
        ladder_mode=LadderMode.GRADUATED,
    )
    traffic = rule(
        "Backup: volume price per GB",
        Operator.PRICE_LADDER,
        category="Backup",
        cluster="Enterprise",
        ladder_mode=LadderMode.VOLUME,
    )
    tiers = (
        (storage, "1000", "0.0240"),
        (storage, "10000", "0.0205"),
        (storage, None, "0.0170"),
        (traffic, "2000", "0.0390"),
        (traffic, "8000", "0.0340"),
        (traffic, None, "0.0290"),
    )
    PriceTier.objects.bulk_create(
        PriceTier(rule=owner, up_to=Decimal(bound) if bound else None, unit_price=Decimal(price))
        for owner, bound, price in tiers
    )
    rule("Voice: flat minute for the public sector", Operator.PRICE, category="Voice",
         cluster="Public sector", value=Decimal("0.0350"), cost=Decimal("0.0110"))  # fmt: skip
    rule("Enterprise: 6 % off cloud", Operator.ADJUST_PERCENTAGE, category="Cloud",
         cluster="Enterprise", percentage=Decimal("-6"), label="Framework discount 6 %")  # fmt: skip
    rule("Partners: 12 % off everything", Operator.ADJUST_PERCENTAGE, cluster="Partners",
         percentage=Decimal("-12"), label="Partner discount 12 %")  # fmt: skip
    rule("VAT 19 %", Operator.VAT, percentage=Decimal("19"))
    rule("VAT 8.1 % Switzerland", Operator.VAT, cluster="Switzerland", percentage=Decimal("8.1"))
