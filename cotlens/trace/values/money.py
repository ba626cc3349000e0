"""Currencies: the one place that names their signs and codes. To add one, add it here.

A sign stands before or behind a number ("$5", "5 €"), a code too ("USD 5", "5 EUR"); neither changes the number.
"""

SIGNS = "€£¥₹₩₽₺₫฿₪₦₱"
"""Signs beside the dollar's, which TeX writes with a backslash and which may be a formula's border."""
CODES = ("USD", "EUR", "GBP", "INR", "JPY", "CHF", "CNY", "CAD", "AUD", "KRW", "BRL", "MXN", "SEK", "NOK", "DKK", "PLN")
"""ISO 4217 codes that are read as currencies; a code of three capitals that isn't here is a name."""

SIGN = rf"(?:\\?\$|[{SIGNS}])"
"""A sign, as a pattern."""
NAMED_DOLLAR = r"(?:US|CA|A|C|HK|R|NZ|S)\$"
ANY = rf"(?:{SIGN}|{NAMED_DOLLAR}|Rs\.?|{'|'.join(CODES)})"
"""A sign, a code or a dollar of a country, as a pattern."""
