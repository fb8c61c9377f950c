"""Pure Python that every floor may use: errors, money, periods, number formats. No Django."""
