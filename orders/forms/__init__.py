"""What people type about sales orders."""
