"""Django parts that several apps use: jobs, selections, spreadsheets, base views, template tags."""
