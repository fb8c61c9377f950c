"""Every write of the invoicing floor. One public function, one business action, one transaction."""
