"""Who an invoice is from and for, as it is printed."""

from billing_site.kernel.periods import PaymentTerms
from invoicing.documents import Agreement, Parties, Provider, Recipient
from ledger.enums import TermsKind
from ledger.models import Contract, Customer, Firm


def provider_of(firm: Firm) -> Provider:
    """Block 1 of the document."""
    return Provider(
        name=firm.name,
        street=firm.street,
        postal_code=firm.postal_code,
        city=firm.city,
        country=firm.country,
        vat_id=firm.vat_id,
        registration=firm.registration,
        email=firm.email,
        phone=firm.phone,
        bank_name=firm.bank_name,
        iban=firm.iban,
        bic=firm.bic,
        footer=firm.invoice_footer,
    )


def parties_of(*, provider: Provider, customer: Customer, contract: Contract) -> Parties:
    """The parties as they are now."""
    metadata = customer.metadata if isinstance(customer.metadata, dict) else {}
    return Parties(
        provider=provider,
        recipient=Recipient(
            code=customer.code,
            name=customer.name,
            contact_name=customer.contact_name,
            street=customer.street,
            postal_code=customer.postal_code,
            city=customer.city,
            country=customer.country,
            vat_id=customer.vat_id,
            email=customer.email,
            language=customer.language,
            metadata={
                str(key): str(value)
                for key, value in metadata.items()
                if isinstance(value, str | int) and not isinstance(value, bool)
            },
        ),
        agreement=Agreement(
            reference=contract.reference,
            terms_kind=contract.terms_kind,
            terms_days=contract.terms_days,
            terms_months=contract.terms_months,
        ),
    )


def terms_of(contract: Contract) -> PaymentTerms:
    """The contract's payment terms (D-28)."""
    if contract.terms_kind == TermsKind.DAY_OF_MONTH:
        return PaymentTerms.on_day(contract.terms_days, months=contract.terms_months)
    return PaymentTerms.net(contract.terms_days)
