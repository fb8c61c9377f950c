"""Sales orders, their lines, and what became of the charges of the lines."""

from orders.models.billing import BillStatusEvent, ExportFile, TransferBatch
from orders.models.orders import OrderLine, SalesOrder

__all__ = ["BillStatusEvent", "ExportFile", "OrderLine", "SalesOrder", "TransferBatch"]
